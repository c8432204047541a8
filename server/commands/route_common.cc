#include "server/commands/route_common.h"

#include "protocol/wire/reader.h"
#include "server/commands/cache_common.h"
#include "server/semantic/fingerprint.h"
#include "server/text/normalize.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

// The vector, or none where it cannot be had: routing goes on without.
base::Result<semantic::VectorsPtr> VectorFor(const Context& context, std::string_view text) {
  const semantic::Embedding& embedding = context.instance.semantic().embedding();
  if (embedding.IsClient()) {
    return semantic::VectorsPtr();
  }
  const semantic::OwnText own{context.principal.namespace_id, text};
  if (semantic::VectorsPtr known = embedding.Known(own); known != nullptr) {
    return known;
  }
  if (context.on_loop()) {
    return Error{Code::kWouldBlock, "the vector is made on a storage thread"};
  }
  auto made =
      context.pause == nullptr ? embedding.Embed(own) : embedding.EmbedOrPause(own, *context.pause);
  const bool is_missing = !made.ok() && made.error().code == Code::kUnavailable;
  return is_missing ? base::Result<semantic::VectorsPtr>(semantic::VectorsPtr()) : std::move(made);
}

}  // namespace

base::Result<RoutePrompt> RoutePromptFrom(const Context& context, const RoutePromptParts& parts) {
  if (parts.text.size() > static_cast<std::size_t>(context.config.cache.prompt_bytes_max)) {
    return Error{Code::kTooLarge, "the prompt has " + std::to_string(parts.text.size()) +
                                      " bytes, the limit is " +
                                      std::to_string(context.config.cache.prompt_bytes_max) +
                                      " (cache.prompt_bytes_max)"};
  }
  RETURN_IF_ERROR(text::CheckUtf8(parts.text));
  const semantic::Embedding& embedding = context.instance.semantic().embedding();
  RoutePrompt asked;
  if (!parts.vector.empty()) {
    ASSIGN_OR_RETURN(const std::vector<float> vector, VectorOf(parts.vector));
    ASSIGN_OR_RETURN(asked.vectors, semantic::UnitVector(vector, embedding.Width()));
  } else {
    ASSIGN_OR_RETURN(asked.vectors, VectorFor(context, parts.text));
  }
  asked.prompt.text = parts.text;
  asked.prompt.context_tokens = parts.context_tokens;
  asked.prompt.answer_tokens = parts.answer_tokens;
  if (asked.vectors != nullptr) {
    asked.prompt.vector = asked.vectors->vector;
    asked.prompt.is_use_lite = embedding.Name() == "use-lite";
    asked.prompt.embedder =
        static_cast<std::uint32_t>(semantic::StableHash(embedding.Fingerprint()));
  }
  return asked;
}

base::Result<std::vector<std::string_view>> NamesFrom(std::string_view value) {
  std::vector<std::string_view> names;
  if (value.empty()) {
    return names;
  }
  wire::Reader reader(value);
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view name, reader.Str());
    names.push_back(name);
  }
  return names;
}

base::Result<routing::Catalogue::Owner> OwnerFrom(const Context& context, bool shared) {
  if (!shared) {
    return routing::Catalogue::Owner(context.principal.namespace_id);
  }
  if ((context.principal.permissions & access::kMayAdminister) == 0) {
    return Error{Code::kForbidden, "the list of all namespaces needs the permission `admin`"};
  }
  return routing::Catalogue::Owner(std::nullopt);
}

}  // namespace reprise::commands
