#include "server/spend/scope.h"

#include <algorithm>

#include "server/spend/text_check.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;

bool HasName(ScopeKind kind) {
  return kind != ScopeKind::kNamespace && kind != ScopeKind::kGlobal;
}

}  // namespace

base::Result<Scope> ParseScope(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const auto found = std::find(kScopeKinds.begin(), kScopeKinds.end(), kind);
  Scope scope;
  if (found != kScopeKinds.end()) {
    scope.kind = static_cast<ScopeKind>(found - kScopeKinds.begin());
  }
  if (found == kScopeKinds.end() || HasName(scope.kind) != (colon != std::string_view::npos)) {
    return Error{Code::kBadRequest,
                 "a scope is key:NAME, bot:NAME, model:NAME, type:NAME, namespace or global"};
  }
  if (HasName(scope.kind)) {
    scope.name = text.substr(colon + 1);
    RETURN_IF_ERROR(CheckText("scope", scope.name, kScopeNameBytesMax));
  }
  return scope;
}

std::string ScopeText(ScopeKind kind, std::string_view name) {
  std::string text(kScopeKinds[static_cast<std::size_t>(kind)]);
  return HasName(kind) ? text.append(":").append(name) : text;
}

base::Status CallScopes::Add(const Scope& scope) {
  const auto take = [&](std::string& place) -> base::Status {
    if (!place.empty() && place != scope.name) {
      return Error{Code::kBadRequest,
                   "a call has one " +
                       std::string(kScopeKinds[static_cast<std::size_t>(scope.kind)]) +
                       ", and the scopes name two"};
    }
    place = scope.name;
    return base::Ok{};
  };
  switch (scope.kind) {
    case ScopeKind::kBot:
      return take(bot);
    case ScopeKind::kModel:
      return take(model);
    case ScopeKind::kType:
      return take(type);
    case ScopeKind::kNamespace:
    case ScopeKind::kGlobal:
      return base::Ok{};  // as always
    case ScopeKind::kKey:
      break;
  }
  const auto place = std::lower_bound(keys.begin(), keys.end(), scope.name);
  if (place != keys.end() && *place == scope.name) {
    return base::Ok{};
  }
  if (keys.size() >= kKeysOfCallMax) {
    return Error{Code::kTooLarge,
                 "a call has at most 9 scopes of kind key, its access key included"};
  }
  keys.insert(place, scope.name);
  return base::Ok{};
}

std::vector<Scope> CallScopes::All() const {
  std::vector<Scope> all;
  for (const std::string& key : keys) {
    all.push_back({ScopeKind::kKey, key});
  }
  if (!bot.empty()) {
    all.push_back({ScopeKind::kBot, bot});
  }
  if (!model.empty()) {
    all.push_back({ScopeKind::kModel, model});
  }
  if (!type.empty()) {
    all.push_back({ScopeKind::kType, type});
  }
  all.push_back({ScopeKind::kNamespace, {}});
  all.push_back({ScopeKind::kGlobal, {}});
  return all;
}

}  // namespace reprise::spend
