#include "server/commands/cache_common.h"

#include <cstring>
#include <utility>

#include "protocol/wire/reader.h"
#include "protocol/wire/shape.h"
#include "protocol/wire/writer.h"
#include "server/cache/stream_join.h"

namespace reprise::commands {
namespace {

base::Status CheckTags(std::string_view tags) {
  if (tags.empty()) {
    return base::Ok{};
  }
  wire::Reader reader(tags);
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  if (count > base::limits::kTags.value) {
    return base::Error{base::Code::kTooLarge, "'tags' has " + std::to_string(count) +
                                                  " items, the limit is " +
                                                  std::to_string(base::limits::kTags.value)};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view tag, reader.Str());
    if (tag.empty() || tag.size() > static_cast<std::size_t>(base::limits::kTagBytes.value)) {
      return base::Error{base::Code::kTooLarge, "a tag has 1 to 128 bytes"};
    }
  }
  return base::Ok{};
}

// What no reply can carry would be stored and never read: neither by a client nor by CACHE.EXPORT.
base::Status CheckReadable(std::string_view response) {
  if (response.empty()) {
    return base::Ok{};
  }
  const auto shape = wire::ShapeOf(response);
  if (!shape.ok()) {
    return base::Error{shape.error().code, "the answer: " + shape.error().detail};
  }
  const auto check = [](std::uint64_t found, std::uint64_t most, const base::Limit& limit) {
    return found <= most
               ? base::Status(base::Ok{})
               : base::Error{base::Code::kTooLarge, std::string(limit.name) + ": the answer has " +
                                                        std::to_string(found) + ", the limit is " +
                                                        std::to_string(most)};
  };
  RETURN_IF_ERROR(check(shape.value().depth, kAnswerDepthMax, base::limits::kDepth));
  return check(shape.value().values, kAnswerValuesMax, base::limits::kFrameItems);
}

}  // namespace

base::Result<cache::Answer> AnswerOf(const Args& args, std::string_view response,
                                     std::size_t first) {
  RETURN_IF_ERROR(CheckReadable(response));
  RETURN_IF_ERROR(CheckTags(args.BytesOr(first + kTags, "")));
  cache::Answer answer{response,
                       args.BytesOr(first + kModel, ""),
                       args.BytesOr(first + kTags, ""),
                       args.MaybeInt(first + kTtlMs),
                       {}};
  ASSIGN_OR_RETURN(answer.vector, VectorOf(args.BytesOr(first + kVector, "")));
  answer.worth.tokens_in = static_cast<std::uint32_t>(args.IntOr(first + kTokensIn, 0));
  answer.worth.tokens_out = static_cast<std::uint32_t>(args.IntOr(first + kTokensOut, 0));
  answer.worth.cost_nano = static_cast<std::uint64_t>(args.IntOr(first + kCostNano, 0));
  return answer;
}

base::Result<cache::Tier> TierNamed(std::string_view name) {
  for (const cache::Tier tier : cache::kTiers) {
    if (cache::NameOf(tier) == name) {
      return tier;
    }
  }
  return base::Error{base::Code::kBadRequest, "'tier' must be exact, normalized or semantic"};
}

base::Result<std::vector<float>> VectorOf(std::string_view value) {
  if (value.empty()) {
    return std::vector<float>();
  }
  wire::Reader reader(value);
  const auto text = reader.Text();
  if (!text.ok() || text.value().empty()) {
    return base::Error{base::Code::kBadRequest, "'vector' must be a bin of little-endian float32"};
  }
  const std::string_view bytes = text.value();
  if (bytes.size() % sizeof(float) != 0) {
    return base::Error{base::Code::kBadRequest,
                       "'vector' has " + std::to_string(bytes.size()) + " bytes; a float32 has 4"};
  }
  std::vector<float> vector(bytes.size() / sizeof(float));
  std::memcpy(vector.data(), bytes.data(), bytes.size());  // This machine is little-endian, too.
  return vector;
}

base::Result<Form> FormOf(const Context& context, const Args& args, std::size_t option) {
  const auto bytes_max = static_cast<std::size_t>(context.config.cache.value_bytes_max);
  const std::string_view name = args.BytesOr(option, "chunks");
  if (name == "chunks") {
    return Form{Form::Replay::kChunks, bytes_max};
  }
  if (name != "joined") {
    return base::Error{base::Code::kBadRequest, "'replay' must be chunks or joined"};
  }
  if (context.on_loop()) {
    return base::Error{base::Code::kWouldBlock, "joining takes as long as the answer is large"};
  }
  return Form{Form::Replay::kJoined, bytes_max};
}

base::Status Reshape(const Form& form, cache::Found& found,
                     std::shared_ptr<const std::string>& joined) {
  if (form.replay == Form::Replay::kChunks) {
    return base::Ok{};
  }
  auto answer = cache::JoinStream(found.body.response, form.bytes_max);
  if (!answer.ok()) {
    return base::Error{answer.error().code,
                       "replay: " + answer.error().detail + "; `chunks` gives it as it was stored"};
  }
  joined = std::make_shared<const std::string>(std::move(answer).value());
  found.body.response = *joined;
  return base::Ok{};
}

std::string_view StatusOf(const cache::Found& found) {
  if (found.likeness.is_to_verify) {
    return "verify";
  }
  return found.stale ? "stale" : "hit";
}

void WriteHit(const cache::Found& found, std::string_view reason, base::UnixMillis now,
              wire::Writer& reply) {
  reply.Map(FoundFields(found) + 2);
  reply.Field("status", StatusOf(found));
  WriteFound(found, now, reply);
  reply.Field("reason", reason);
}

std::size_t FoundFields(const cache::Found& found) {
  constexpr std::size_t kOfAll = 10;
  constexpr std::size_t kOfSemantic = 4;
  return kOfAll + (found.tier == cache::Tier::kSemantic ? kOfSemantic : 0);
}

void WriteFound(const cache::Found& found, base::UnixMillis now, wire::Writer& reply) {
  reply.Field("tier", cache::NameOf(found.tier));
  reply.Field("id", found.body.id);
  reply.Str("response");
  reply.Raw(found.body.response);
  reply.Field("type", found.type);
  reply.Field("age_ms", now - found.created_at);
  reply.Field("expires_at_ms", base::ToInt(found.expires_at));
  reply.Field("tokens_in", found.worth.tokens_in);
  reply.Field("tokens_out", found.worth.tokens_out);
  reply.Field("cost_nano", found.worth.cost_nano);
  reply.Field("model", found.body.model);
  if (found.tier == cache::Tier::kSemantic) {
    reply.Field("hit", found.likeness.hit);
    reply.Field("similarity", static_cast<double>(found.likeness.cosine));
    reply.Field("p_correct", found.likeness.probability);
    reply.Field("bound", found.likeness.bound);
  }
}

void WriteMiss(const cache::Outcome& outcome, wire::Writer& reply) {
  WriteStatus("miss", outcome.ruling.refused ? outcome.ruling.refusal : outcome.reason, reply);
}

void WriteStatus(std::string_view status, std::string_view reason, wire::Writer& reply) {
  reply.Map(2);
  reply.Field("status", status);
  reply.Field("reason", reason);
}

void WriteStored(const cache::Stored& stored, wire::Writer& reply) {
  if (!stored.kept) {
    reply.Map(2);
    reply.Field("stored", false);
    reply.Field("reason", stored.reason);
    return;
  }
  reply.Map(4);
  reply.Field("stored", true);
  reply.Field("id", stored.id);
  reply.Str("tier_keys");
  reply.Map(2);
  reply.Field("exact", stored.exact.Hex());
  reply.Field("normalized", stored.normalized.Hex());
  reply.Field("expires_at_ms", base::ToInt(stored.expires_at));
}

}  // namespace reprise::commands
