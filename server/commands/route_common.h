// What the commands of the family routing share: a prompt with its vector, prices, names of models.
//
// Threads: as the command. Errors: kBadRequest, kForbidden, kWouldBlock (on a loop, when the vector
// has to be made first).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/routing/routing.h"

namespace reprise::commands {

inline constexpr ArgSpec kRoutePromptArg{.name = "prompt",
                                         .kind = ArgKind::kText,
                                         .doc = "what the model will be asked, UTF-8",
                                         .min = 1,
                                         .max = base::limits::kPromptBytes.ceiling};
constexpr ArgSpec ModelNameArg(std::string_view doc) {
  return {.name = "model",
          .kind = ArgKind::kText,
          .doc = doc,
          .min = 1,
          .max = base::limits::kTagBytes.value};
}
constexpr ArgSpec TokensOption(std::string_view name, std::string_view doc) {
  return {.name = name, .kind = ArgKind::kInt, .doc = doc, .max = routing::kTokensMax};
}
inline constexpr ArgSpec kRouteTypeOption{.name = "type",
                                          .kind = ArgKind::kText,
                                          .doc =
                                              "kind of question, as the caller tells them apart; "
                                              "how each differs is learned, for up to 64",
                                          .min = 1,
                                          .max = base::limits::kNameBytes.value};
inline constexpr ArgSpec kContextTokensOption = TokensOption(
    "context_tokens", "tokens of the whole input; estimated from the prompt when not given");
inline constexpr ArgSpec kAnswerTokensOption =
    TokensOption("answer_tokens", "tokens that the answer will have; 300 when not given");
inline constexpr ArgSpec kRouteVectorOption{
    .name = "vector",
    .kind = ArgKind::kValue,
    .doc =
        "bin of little-endian float32: the prompt's vector by the server's embedder, or, where "
        "semantic.embedder is `client`, the caller's; any length but zero",
    .max = 4 * 4'096 + 3};
inline constexpr ArgSpec kSharedOption{
    .name = "shared",
    .kind = ArgKind::kBool,
    .doc = "true: of the list that all namespaces see; needs the permission `admin`"};

// What a command was told of a call; borrows from the request, and holds the vector.
struct RoutePrompt {
  routing::Prompt prompt;
  semantic::VectorsPtr vectors;
};
struct RoutePromptParts {
  std::string_view text;
  std::string_view vector;  // as in kRouteVectorOption
  std::int64_t context_tokens = 0;
  std::int64_t answer_tokens = 0;
};
base::Result<RoutePrompt> RoutePromptFrom(const Context& context, const RoutePromptParts& parts);

// Prices of the price table, as of now. Outlives the context.
routing::CostOfCall CostByTable(const Context& context);

// An array of str.
base::Result<std::vector<std::string_view>> NamesFrom(std::string_view value);
// Whose list `shared` means; kForbidden without the permission.
base::Result<routing::Catalogue::Owner> OwnerFrom(const Context& context, bool shared);
// The highest of the pressures of the budgets that these scopes belong to, as routing feels it.
base::Result<double> PressureFrom(const Context& context, std::string_view scopes);

}  // namespace reprise::commands
