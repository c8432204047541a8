#include "server/cache/port.h"

#include <charconv>
#include <optional>

#include "protocol/base/ensure.h"
#include "protocol/wire/reader.h"
#include "server/cache/cache.h"
#include "server/cache/space.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;
using storage::Family;

// A cursor is "<mark>:<hash of the last entry>", both in hex digits.
constexpr std::size_t kMarkDigits = 16;
constexpr std::size_t kHashDigits = 32;

std::optional<KeyHash> HashOf(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    std::uint8_t byte = 0;
    const char* end = digits.data() + i + 2;
    const auto [stop, failure] = std::from_chars(digits.data() + i, end, byte, 16);
    if (failure != std::errc{} || stop != end) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(byte));
  }
  return KeyHash::FromBytes(bytes);
}

bool HasTag(std::string_view tags, std::string_view wanted) {
  wire::Reader reader(tags);
  const auto count = reader.Array();
  for (std::uint32_t i = 0; count.ok() && i < count.value(); ++i) {
    if (const auto tag = reader.Text(); tag.ok() && tag.value() == wanted) {
      return true;
    }
  }
  return false;
}

bool IsWanted(const PageRequest& request, std::string_view type, std::string_view tags) {
  return (request.type.empty() || request.type == type) &&
         (request.tag.empty() || HasTag(tags, request.tag));
}

// How much of the store one page has looked at.
struct Looked {
  std::size_t rows = 0;
  std::size_t bytes = 0;
  bool IsEnough() const { return rows >= kRowsPerPage || bytes >= kBytesPerPage; }
};

}  // namespace

// Tells apart the cursors of namespaces and of data directories: their orders are not the same.
std::string Cache::CursorMark(storage::NamespaceId id) const {
  return hasher_.Exact(id, "cursor", "").Hex().substr(0, kMarkDigits);
}

// The key behind which the page begins; empty: at the beginning.
base::Result<std::string> Cache::StartOf(const PageRequest& request) const {
  if (request.after.empty()) {
    return std::string();
  }
  const std::string mark = CursorMark(request.namespace_id);
  const bool has_form =
      request.after.size() == kMarkDigits + 1 + kHashDigits && request.after[kMarkDigits] == ':';
  const auto hash =
      has_form ? HashOf(request.after.substr(kMarkDigits + 1)) : std::optional<KeyHash>();
  if (!hash.has_value()) {
    return Error{Code::kBadRequest, "'after' must be the `next` of the page before"};
  }
  if (!request.after.starts_with(mark)) {
    return Error{Code::kBadRequest,
                 "'after' is of another namespace or another data directory, whose order is not "
                 "the same: begin again without it"};
  }
  return std::string(ViewOf(BodyKey(request.namespace_id, *hash)));
}

base::Result<std::string> Cache::ReadPage(const PageRequest& request, const storage::View& view,
                                          const PageVisitor& visit) {
  ASSIGN_OR_RETURN(const std::string start, StartOf(request));
  Space& space = FindOrMake(request.namespace_id);
  const Space::Visible visible{view.store().committed(), view.now(), std::nullopt, 0};
  const std::string prefix = BodyPrefix(request.namespace_id);
  std::optional<Error> bad;
  std::string last;  // the key of the last row that this page is done with
  bool more = false;
  Looked looked;
  const storage::ScanRequest rows{.family = Family::kEntries, .prefix = prefix, .after = start};
  RETURN_IF_ERROR(view.store().Scan(rows, view.now(), [&](const storage::ScanRow& row) {
    if (looked.IsEnough()) {
      more = true;
      return false;
    }
    const auto body = ParseBody(row.value);
    if (!body.ok()) {
      bad = body.error();
      return false;
    }
    ++looked.rows;
    looked.bytes += row.value.size();
    const KeyHash exact = KeyHash::FromBytes(row.key.substr(prefix.size()));
    const auto known = space.Look(exact, visible);
    if (body.value().namespace_id != request.namespace_id) {
      space.CountForeignBody();
    } else if (known.has_value() && known->id == body.value().id &&
               IsWanted(request, known->type, body.value().tags) &&
               !visit({body.value(), known->type, known->created_at, known->fresh_until,
                       known->worth})) {
      more = true;
      return false;
    }
    last.assign(row.key);
    return true;
  }));
  if (bad.has_value()) {
    return *std::move(bad);
  }
  if (!more) {
    return std::string();
  }
  ENSURE(!last.empty());
  return CursorMark(request.namespace_id) + ":" +
         KeyHash::FromBytes(std::string_view(last).substr(prefix.size())).Hex();
}

}  // namespace reprise::cache
