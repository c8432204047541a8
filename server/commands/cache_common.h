// What several commands of the cache family share: what an answer carries, how a hit is told; how a
// question is asked stands in question.h. Threads: as the command.
#pragma once

#include <memory>
#include <string>

#include "server/cache/cache.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/question.h"
#include "server/commands/spec.h"

namespace reprise::commands {

inline constexpr ArgSpec kLeaseArg{.name = "lease",
                                   .kind = ArgKind::kText,
                                   .doc = "as CACHE.FETCH gave it",
                                   .min = 1,
                                   .max = base::limits::kNameBytes.value};

inline constexpr ArgSpec kMaxAgeOption{.name = "max_age_ms",
                                       .kind = ArgKind::kMillis,
                                       .doc = "older entries are a miss",
                                       .max = base::limits::kTtlMs.ceiling};
inline constexpr ArgSpec kStaleOkOption{
    .name = "stale_ok_ms",
    .kind = ArgKind::kMillis,
    .doc =
        "take an answer that is past its time to live by up to this much, as far as its type "
        "keeps such answers (stale_ms, which is also the default); 0: none",
    .max = base::limits::kTtlMs.ceiling};
inline constexpr ArgSpec kTierOption{
    .name = "tier",
    .kind = ArgKind::kText,
    .doc = "the last tier that is tried: exact, normalized, or semantic (the default)",
    .max = base::limits::kNameBytes.value};

// How many wrong answers a caller takes; beyond a half nobody would ask.
inline constexpr ArgSpec kMaxErrorOption{
    .name = "max_error",
    .kind = ArgKind::kShare,
    .doc =
        "share of wrong answers that the semantic tier may give; the query type's budget when not "
        "given; 0: that tier answers nothing",
    .max = 500'000};
inline constexpr ArgSpec kVectorOption{
    .name = "vector",
    .kind = ArgKind::kValue,
    .doc =
        "bin of little-endian float32: the prompt's vector, where semantic.embedder is `client`; "
        "any length but zero",
    .max = 4 * 4'096 + 3};

// How an answer that was streamed is given.
struct Form {
  enum class Replay : std::uint8_t { kChunks, kJoined };
  Replay replay = Replay::kChunks;
  std::size_t bytes_max = 0;
};
inline constexpr ArgSpec kReplayOption{
    .name = "replay",
    .kind = ArgKind::kText,
    .doc =
        "how an answer that was streamed is given: chunks (the default): the array of its "
        "pieces as they were appended; joined: as one answer, as the same API gives it without "
        "streaming. A response that is no stream is given as it is; bad_request when the "
        "stream is no answer (stored by CACHE.STORE, which looks at none)",
    .max = base::limits::kNameBytes.value};

// What CACHE.STORE and CACHE.FILL are told about an answer; in this order, from `first`.
enum AnswerOption : std::size_t {
  kTags,
  kTtlMs,
  kTokensIn,
  kTokensOut,
  kCostNano,
  kModel,
  kVector
};
inline constexpr std::int64_t kTokensMax = 1'000'000'000;
inline constexpr std::int64_t kCostNanoMax = 1'000'000'000'000'000;  // a million dollars
inline constexpr ArgSpec kTagsOption{.name = "tags",
                                     .kind = ArgKind::kTexts,
                                     .doc = "labels of the entry; at most 32 of at most 128 bytes",
                                     .max = 8192};
inline constexpr ArgSpec kTokensInOption{.name = "tokens_in",
                                         .kind = ArgKind::kInt,
                                         .doc = "input tokens of the call that made the answer",
                                         .max = kTokensMax};
inline constexpr ArgSpec kTokensOutOption{.name = "tokens_out",
                                          .kind = ArgKind::kInt,
                                          .doc = "output tokens of that call",
                                          .max = kTokensMax};
inline constexpr ArgSpec kCostNanoOption{.name = "cost_nano",
                                         .kind = ArgKind::kInt,
                                         .doc = "price of that call in nano-dollars",
                                         .max = kCostNanoMax};
inline constexpr ArgSpec kModelOption{
    .name = "model",
    .kind = ArgKind::kText,
    .doc =
        "who answered; for reports and invalidation, not part of the identity; that of the "
        "`request` when not given",
    .max = base::limits::kTagBytes.value};

// An answer stands in a reply as it stands in a request: in the frame, in a map or array, beside a
// few other values.
inline constexpr auto kAnswerDepthMax = static_cast<std::uint32_t>(base::limits::kDepth.value - 2);
inline constexpr std::uint64_t kAnswerValuesMax = base::limits::kFrameItems.value - 64;

// `first` is the index of kTagsOption in the row. Errors: bad tags; kTooLarge for a response that
// no reply could carry.
base::Result<cache::Answer> AnswerOf(const Args& args, std::string_view response,
                                     std::size_t first);
base::Result<cache::Tier> TierNamed(std::string_view name);
// The value of kVectorOption; empty when there is none. Errors: kBadRequest.
base::Result<std::vector<float>> VectorOf(std::string_view bytes);
// `option` is the index of kReplayOption. Errors: kBadRequest; kWouldBlock when it asks for work
// that is too long for the loop.
base::Result<Form> FormOf(const Context& context, const Args& args, std::size_t option);
// Gives the response its form. What had to be made is in `joined`, and `found` borrows from it.
// Errors: those of cache::JoinStream.
base::Status Reshape(const Form& form, cache::Found& found,
                     std::shared_ptr<const std::string>& joined);

// {status: "hit", "stale" or "verify", tier, id, response, type, age_ms, expires_at_ms, tokens_in,
// tokens_out, cost_nano, model, reason}; of the semantic tier also {hit, similarity, p_correct,
// bound}
std::string_view StatusOf(const cache::Found& found);
void WriteHit(const cache::Found& found, std::string_view reason, base::UnixMillis now,
              wire::Writer& reply);
// {status: "miss", reason}; a question that the policies refuse is a miss, too.
void WriteMiss(const cache::Outcome& outcome, wire::Writer& reply);
// {status, reason}
void WriteStatus(std::string_view status, std::string_view reason, wire::Writer& reply);
// The same without status and reason: FoundFields fields of a map.
std::size_t FoundFields(const cache::Found& found);
void WriteFound(const cache::Found& found, base::UnixMillis now, wire::Writer& reply);
// {stored: true, id, tier_keys: {exact, normalized}, expires_at_ms}, or {stored: false, reason}
void WriteStored(const cache::Stored& stored, wire::Writer& reply);

}  // namespace reprise::commands
