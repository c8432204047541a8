#include "server/dispatch/gates.h"

#include <array>

namespace reprise::dispatch {
namespace {

using base::Code;
using base::Error;

std::optional<Error> StillWho(const GateInput& input) {
  (void)Revalidate(input.session, input.instance.access());
  return std::nullopt;
}

std::optional<Error> Authenticated(const GateInput& input) {
  if (input.session.revoked && (input.spec.flags & commands::kNoAuth) == 0) {
    return Error{Code::kUnauthenticated,
                 "the access key of this connection was revoked; send AUTH"};
  }
  if (input.session.authenticated || (input.spec.flags & commands::kNoAuth) != 0 ||
      !input.instance.access().RequiresKey()) {
    return std::nullopt;
  }
  return Error{Code::kUnauthenticated, "send AUTH with an access key first"};
}

std::optional<Error> Permitted(const GateInput& input) {
  const std::uint8_t has = input.session.principal->permissions;
  const std::uint32_t flags = input.spec.flags;
  if ((flags & commands::kNoAuth) != 0) {
    return std::nullopt;
  }
  const auto lacks = [&](std::uint32_t flag, std::uint8_t permission) {
    return (flags & flag) != 0 && (has & permission) == 0;
  };
  if (lacks(commands::kAdmin, access::kMayAdminister)) {
    return Error{Code::kForbidden,
                 std::string(input.spec.name) + " needs an access key with the permission 'admin'"};
  }
  const bool admin_command = (flags & commands::kAdmin) != 0;
  if (!admin_command && lacks(commands::kWrite | commands::kInMemory, access::kMayWrite)) {
    return Error{Code::kForbidden,
                 std::string(input.spec.name) + " needs an access key with the permission 'write'"};
  }
  if (!admin_command && lacks(commands::kRead, access::kMayRead)) {
    return Error{Code::kForbidden,
                 std::string(input.spec.name) + " needs an access key with the permission 'read'"};
  }
  return std::nullopt;
}

// The store refuses writes (disk full, failed write): say so before anything is queued.
std::optional<Error> Writable(const GateInput& input) {
  if ((input.spec.flags & commands::kWrite) == 0) {
    return std::nullopt;
  }
  if (const base::Status writable = input.instance.store().Writable(); !writable.ok()) {
    return writable.error();
  }
  return std::nullopt;
}

using Gate = std::optional<Error> (*)(const GateInput&);
constexpr std::array<Gate, 4> kGates{&StillWho, &Authenticated, &Permitted, &Writable};

}  // namespace

bool Revalidate(commands::Session& session, const access::Registry& registry) {
  const std::uint64_t version = registry.version();
  if (session.access_version != version) {
    if (!registry.Revalidate(*session.principal).has_value()) {
      session.revoked = session.principal->key_id != 0;
      session.authenticated = false;
    }
    session.access_version = version;
  }
  return !session.revoked && (session.authenticated || !registry.RequiresKey());
}

std::optional<Error> Refusal(const GateInput& input) {
  for (const Gate gate : kGates) {
    if (auto refusal = gate(input)) {
      return refusal;
    }
  }
  return std::nullopt;
}

}  // namespace reprise::dispatch
