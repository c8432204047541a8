// CACHE.IMPORT: entries as CACHE.EXPORT gives them.
#include <algorithm>
#include <string>
#include <vector>

#include "protocol/base/buffer.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/shape.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/cache_port.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"
#include "server/telemetry/escape.h"
#include "storage/engine/expiry.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::array kArgs{
    ArgSpec{.name = "entries",
            .kind = ArgKind::kValue,
            .doc = "an array of at most 1000 maps: prompt, response (or response_packed), identity "
                   "(or identity_packed), type, model, tags, tokens_in, tokens_out, cost_nano, "
                   "created_at_ms, expires_at_ms; all but the first two may be missing. id is not "
                   "looked at: an imported entry has a new one",
            .max = base::limits::kFrameBytes.ceiling}};
enum Option : std::size_t { kKeepExpiry, kReplace, kDefaultType };
constexpr std::array kOptions{
    ArgSpec{.name = "keep_expiry",
            .kind = ArgKind::kBool,
            .doc =
                "keep created_at_ms and expires_at_ms (the default); false: as if it were stored "
                "now, for the time to live of its type"},
    ArgSpec{.name = "replace",
            .kind = ArgKind::kBool,
            .doc = "store also what is there already and was not made before (default: false)"},
    ArgSpec{.name = "default_type",
            .kind = ArgKind::kText,
            .doc = "the query type of entries with none, or with one that is not configured here",
            .min = 1,
            .max = base::limits::kNameBytes.value}};
constexpr std::array kErrors{Code::kTooLarge, Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["CACHE.IMPORT", [[{"prompt": "What is RAII?", "response": "An idiom.", "type": "factLookup"}, {"prompt": "", "response": 1}]]])",
        R"({"stored": 1, "skipped": 0, "refused": [{"index": 1, "reason": "*"}]})"},
    Example{
        R"(["CACHE.IMPORT", [[{"prompt": "old", "response": 1, "created_at_ms": 1, "expires_at_ms": 2}]]])",
        R"({"stored": 0, "skipped": 1, "refused": []})"},
    Example{
        R"(["CACHE.IMPORT", [[{"prompt": "p", "response": 1, "type": "elsewhere"}], {"default_type": "general"}]])",
        R"({"stored": 1, "skipped": 0, "refused": []})"},
    Example{R"(["CACHE.IMPORT", [{"prompt": "p"}]])", R"({"error": "bad_request"})"},
};

// The fields of an entry, read as the options of a command are.
enum Field : std::size_t {
  kEntryIdentity,
  kEntryType,
  kAnswerFields,  // tags, ttl_ms, tokens_in, tokens_out, cost_nano, model, vector
  kPrompt = kAnswerFields + kVector + 1,
  kResponse,
  kResponsePacked,
  kIdentityPacked,
  kCreatedAt,
  kExpiresAt,
  kId
};
constexpr ArgSpec MillisSince1970(std::string_view name) {
  return {.name = name, .kind = ArgKind::kMillis, .doc = "milliseconds since 1970", .min = 1};
}
constexpr ArgSpec Packed(std::string_view name, std::int64_t bytes_max) {
  return {.name = name,
          .kind = ArgKind::kText,
          .doc = "the MessagePack bytes of one value",
          .min = 1,
          .max = bytes_max};
}
constexpr std::array kFields{kIdentityOption,
                             kTypeOption,
                             kTagsOption,
                             kTtlOption,
                             kTokensInOption,
                             kTokensOutOption,
                             kCostNanoOption,
                             kModelOption,
                             kVectorOption,
                             ArgSpec{.name = "prompt",
                                     .kind = ArgKind::kText,
                                     .doc = "the question, UTF-8",
                                     .min = 1,
                                     .max = base::limits::kPromptBytes.ceiling},
                             ArgSpec{.name = "response",
                                     .kind = ArgKind::kValue,
                                     .doc = "the answer",
                                     .max = base::limits::kValueBytes.ceiling},
                             Packed("response_packed", base::limits::kValueBytes.ceiling),
                             Packed("identity_packed", base::limits::kIdentityBytes.ceiling),
                             MillisSince1970("created_at_ms"),
                             MillisSince1970("expires_at_ms"),
                             ArgSpec{.name = "id", .kind = ArgKind::kInt, .doc = "not looked at"}};
static_assert(kFields.size() == kId + 1);
constexpr CommandSpec kEntry{.name = "CACHE.IMPORT",
                             .family = Family::kCache,
                             .summary = {},
                             .complexity = {},
                             .since = {},
                             .flags = 0,
                             .args = {},
                             .repeat_from = kNoRepeat,
                             .options = kFields,
                             .result = {},
                             .errors = {},
                             .examples = {},
                             .run = nullptr};

// Before the fields are decoded, whose error would offer timeout_ms.
base::Status CheckNames(std::string_view entry) {
  wire::Reader reader(entry);
  ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
  if (kind != wire::Kind::kMap) {
    return Error{Code::kBadRequest,
                 "an entry must be a map, found " + std::string(wire::NameOf(kind))};
  }
  ASSIGN_OR_RETURN(const std::uint32_t pairs, reader.Map());
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const auto name = reader.Text();
    if (!name.ok()) {
      return Error{Code::kBadRequest, "the name of a field must be a str"};
    }
    const bool is_known = std::any_of(kFields.begin(), kFields.end(), [&](const ArgSpec& field) {
      return field.name == name.value();
    });
    if (!is_known || name.value() == kTtlOption.name) {
      std::string shown;
      telemetry::AppendTextValue(telemetry::CutAt(name.value(), 64), shown);
      return Error{Code::kBadRequest,
                   "unknown field " + shown +
                       "; allowed are prompt, response, response_packed, "
                       "identity, identity_packed, type, model, tags, tokens_in, "
                       "tokens_out, cost_nano, created_at_ms, expires_at_ms, id"};
    }
    RETURN_IF_ERROR(reader.Raw());
  }
  return base::Ok{};
}

// The value itself, or what its packed form holds; empty when there is neither.
base::Result<std::string_view> ValueOf(const Args& fields, std::size_t plain, std::size_t packed) {
  if (!fields.Has(packed)) {
    return fields.BytesOr(plain, "");
  }
  const std::string name(kFields[packed].name);
  if (fields.Has(plain)) {
    return Error{Code::kBadRequest,
                 "both " + std::string(kFields[plain].name) + " and " + name + " are given"};
  }
  const std::string_view bytes = fields.BytesOr(packed, "");
  const auto shape = wire::ShapeOf(bytes);
  if (!shape.ok()) {
    return Error{shape.error().code, name + ": " + shape.error().detail};
  }
  if (shape.value().depth > kAnswerDepthMax || shape.value().values > kAnswerValuesMax) {
    return Error{Code::kTooLarge, name +
                                      ": the value is deeper or has more values than a request "
                                      "may have"};
  }
  return bytes;
}

bool IsConfigured(std::string_view type, const config::CacheOptions& options) {
  return std::any_of(options.types.begin(), options.types.end(),
                     [type](const config::QueryType& known) { return known.name == type; });
}

enum class Outcome : std::uint8_t { kStored, kSkipped };

// One CACHE.IMPORT: what all its entries have in common.
class Import {
 public:
  Import(Context& context, const Args& args)
      : context_(context),
        keep_expiry_(args.BoolOr(kKeepExpiry, true)),
        replace_(args.BoolOr(kReplace, false)),
        default_type_(args.BytesOr(kDefaultType, "")) {}

  base::Status Check() const {
    if (!default_type_.empty() && !IsConfigured(default_type_, context_.config.cache)) {
      return Error{Code::kBadRequest,
                   "CACHE.IMPORT: 'default_type' must be a configured query type (CACHE.TYPES)"};
    }
    return base::Ok{};
  }

  base::Result<Outcome> Take(std::string_view entry) {
    RETURN_IF_ERROR(CheckNames(entry));
    constexpr char kArrayOfOne = '\x91';
    params_.assign(1, kArrayOfOne).append(entry);
    RETURN_IF_ERROR(fields_.Decode(kEntry, params_));
    if (!fields_.Has(kPrompt)) {
      return Error{Code::kBadRequest, "'prompt' is missing"};
    }
    ASSIGN_OR_RETURN(const std::string_view response, ValueOf(fields_, kResponse, kResponsePacked));
    ASSIGN_OR_RETURN(const std::string_view identity,
                     ValueOf(fields_, kEntryIdentity, kIdentityPacked));
    ASSIGN_OR_RETURN(cache::Answer answer, AnswerOf(fields_, response, kAnswerFields));
    const cache::Question question{context_.principal.namespace_id, fields_.BytesOr(kPrompt, ""),
                                   identity, TypeOf(), context_.asker};
    ASSIGN_OR_RETURN(answer.life, LifeOf(question));
    answer.for_semantic = SemanticMayRun(context_);
    return Store(question, answer);
  }

 private:
  std::string_view TypeOf() const {
    const std::string_view given = fields_.BytesOr(kEntryType, "");
    const bool is_fine = !given.empty() && IsConfigured(given, context_.config.cache);
    return is_fine || default_type_.empty() ? given : default_type_;
  }

  // Absent: as if it were stored now.
  base::Result<std::optional<cache::Life>> LifeOf(const cache::Question& question) const {
    if (!keep_expiry_ || (!fields_.Has(kCreatedAt) && !fields_.Has(kExpiresAt))) {
      return std::optional<cache::Life>();
    }
    const base::UnixMillis now = context_.now();
    // A clock that is ahead elsewhere must not make an answer younger than new.
    const base::UnixMillis created =
        std::min(now, base::UnixMillis{fields_.IntOr(kCreatedAt, base::ToInt(now))});
    base::UnixMillis expires{fields_.IntOr(kExpiresAt, 0)};
    if (!fields_.Has(kExpiresAt)) {
      ASSIGN_OR_RETURN(const std::int64_t ttl_ms, TtlOf(question));
      expires = created + ttl_ms;
    }
    if (expires <= created) {
      return Error{Code::kBadRequest, "'expires_at_ms' must be later than 'created_at_ms'"};
    }
    if (expires - now > base::limits::kTtlMs.ceiling) {
      return Error{Code::kBadRequest, "'expires_at_ms' must be at most ten years from now"};
    }
    return std::optional(cache::Life{created, expires});
  }

  // The time to live of the question's type, without jitter.
  base::Result<std::int64_t> TtlOf(const cache::Question& question) const {
    const config::CacheOptions& options = context_.config.cache;
    ASSIGN_OR_RETURN(const cache::Ruling ruling, cache::Cache::Judge(question, options));
    const auto type = std::find_if(options.types.begin(), options.types.end(),
                                   [&](const auto& known) { return known.name == ruling.type; });
    return type->ttl_ms;  // Judge answers configured types only.
  }

  base::Result<Outcome> Store(const cache::Question& question, const cache::Answer& answer) {
    cache::Cache& cache = context_.instance.cache();
    const base::UnixMillis now = context_.now();
    if (answer.life.has_value() && storage::IsExpired(answer.life->expires_at, now)) {
      return Outcome::kSkipped;
    }
    if (!replace_) {
      // An answer of unknown age replaces nothing that is there.
      const base::UnixMillis created{std::min(base::ToInt(now), fields_.IntOr(kCreatedAt, 0))};
      ASSIGN_OR_RETURN(const bool has_newer, cache.HasNewer(question, created, now));
      if (has_newer) {
        return Outcome::kSkipped;
      }
    }
    ASSIGN_OR_RETURN(
        const cache::Stored stored,
        cache.Store(question, answer, context_.config.cache, context_.view.transaction()));
    if (!stored.kept) {
      return Error{Code::kBadRequest, stored.reason};
    }
    return Outcome::kStored;
  }

  Context& context_;
  const bool keep_expiry_;
  const bool replace_;
  const std::string_view default_type_;
  std::string params_;  // what fields_ points into
  Args fields_;
};

constexpr std::size_t kReasonMax = 400;
struct Refusal {
  std::uint32_t index;
  std::string reason;
};

// From here on nothing may fail as a whole: what was stored stays stored.
void WriteOutcome(std::uint64_t stored, std::uint64_t skipped, const std::vector<Refusal>& refused,
                  wire::Writer& reply) {
  reply.Map(3);
  reply.Field("stored", stored);
  reply.Field("skipped", skipped);
  reply.Str("refused");
  reply.Array(refused.size());
  for (const Refusal& refusal : refused) {
    reply.Map(2);
    reply.Field("index", refusal.index);
    reply.Field("reason", refusal.reason);
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  Import import(context, args);
  RETURN_IF_ERROR(import.Check());
  wire::Reader reader(args.Bytes(0));
  const auto count = reader.Array();
  if (!count.ok()) {
    return Error{Code::kBadRequest, "CACHE.IMPORT: 'entries' must be an array of maps"};
  }
  if (count.value() > base::limits::kPortEntries.ceiling) {
    return Error{Code::kTooLarge, "CACHE.IMPORT: port_entries: " + std::to_string(count.value()) +
                                      " is more than the limit of 1000"};
  }
  std::uint64_t stored = 0;
  std::uint64_t skipped = 0;
  std::vector<Refusal> refused;
  for (std::uint32_t i = 0; i < count.value(); ++i) {
    ASSIGN_OR_RETURN(const std::string_view entry, reader.Raw());
    const auto outcome = import.Take(entry);
    if (!outcome.ok()) {
      refused.push_back({i, std::string(telemetry::CutAt(outcome.error().detail, kReasonMax))});
    } else {
      ++(outcome.value() == Outcome::kStored ? stored : skipped);
    }
  }
  WriteOutcome(stored, skipped, refused, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheImport;
constexpr CommandSpec kCacheImport{
    .name = "CACHE.IMPORT",
    .family = Family::kCache,
    .summary =
        "Stores entries as CACHE.EXPORT gives them, each checked as CACHE.STORE does; a bad one "
        "costs only itself. Skipped are entries that have expired, and those that are there "
        "already "
        "and were not made before: the same import twice stores once. A time to live is never "
        "lengthened.",
    .complexity = "O(bytes of the entries)",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{stored, skipped, refused: [{index, reason}]}; index counts from 0",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
