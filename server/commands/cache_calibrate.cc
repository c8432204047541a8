// CACHE.CALIBRATE: labelled pairs of questions in, what the semantic tier may do out.
#include <unordered_set>
#include <vector>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::int64_t kPairsMax = 2'000;

constexpr std::array kArgs{ArgSpec{
    .name = "pairs",
    .kind = ArgKind::kValue,
    .doc = "array of [stored question, asked question, whether the answer of the first serves the "
           "second], at most 2000; empty: only report",
    .max = base::limits::kFrameBytes.ceiling}};
enum Option : std::size_t { kCalibratedType, kBudget, kApply, kReplace };
constexpr std::array kOptions{
    ArgSpec{.name = "type",
            .kind = ArgKind::kText,
            .doc = "the query type that is calibrated (default general)",
            .max = base::limits::kNameBytes.value},
    kMaxErrorOption,
    ArgSpec{.name = "apply",
            .kind = ArgKind::kBool,
            .doc = "false: report what these pairs alone would say, and keep nothing; without a "
                   "pair, what is in force (default true)"},
    ArgSpec{.name = "replace",
            .kind = ArgKind::kBool,
            .doc = "true: forget the pairs of earlier calls (default false)"}};
constexpr std::array kErrors{base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["CACHE.CALIBRATE", [[["What is RAII?", "Explain RAII", true], ["What is RAII?", "What is RAID?", false]], {"apply": false}]])",
        R"({"pairs": 2, "vetoed": "*", "repeated": 0, "serves": false, "threshold": 1.0, "bound": 1.0, "wrong_share": 0.0, "hit_share": 0.0, "evidence": 0, "before": "*"})"},
    Example{R"(["CACHE.CALIBRATE", [[["What is RAII?", true]]]])", R"({"error": "bad_request"})"},
    Example{R"(["CACHE.CALIBRATE", [[], {"type": "nonsense"}]])", R"({"error": "bad_request"})"},
};

struct Judge {
  const semantic::Semantic& semantic;
  storage::NamespaceId home;
};

struct Judged {
  std::vector<semantic::LabelledPair> pairs;  // without those that a guard vetoes
  semantic::Tally tally;                      // of these
  std::unordered_set<std::uint64_t> seen;     // hashes of all
  std::int64_t vetoed = 0;
  std::uint64_t repeated = 0;
};

base::Error BadPair(std::uint32_t index, std::string_view what) {
  return {base::Code::kBadRequest, "CACHE.CALIBRATE: pair " + std::to_string(index) + " " +
                                       std::string(what) + "; a pair is [str, str, true or false]"};
}

base::Status JudgePair(const Judge& judge, std::uint32_t index, wire::Reader& reader,
                       Judged& judged) {
  const auto items = reader.Array();
  if (!items.ok() || items.value() != 3) {
    return BadPair(index, "is no array of three");
  }
  const auto stored = reader.Str();
  const auto asked = stored.ok() ? reader.Str() : stored;
  if (!asked.ok()) {
    return BadPair(index, "has no two questions");
  }
  if (stored.value().empty() || asked.value().empty()) {
    return BadPair(index, "has an empty question");
  }
  const auto is_right = reader.Bool();
  if (!is_right.ok()) {
    return BadPair(index, "has a label that is neither true nor false");
  }
  semantic::LabelledPair pair;
  pair.is_right = is_right.value();
  pair.hash = semantic::LabelledPair::HashOf(stored.value(), asked.value(), pair.is_right);
  if (!judged.seen.insert(pair.hash).second) {
    ++judged.repeated;
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(pair.probability,
                   judge.semantic.Compare(judge.home, stored.value(), asked.value()));
  if (pair.probability <= 0) {
    ++judged.vetoed;  // Never served, whatever the threshold is.
  } else {
    judged.tally.Add(pair.probability, pair.is_right);
    judged.pairs.push_back(pair);
  }
  return base::Ok{};
}

base::Result<Judged> JudgePairs(const Judge& judge, std::string_view bytes) {
  wire::Reader reader(bytes);
  const auto count = reader.Array();
  if (!count.ok()) {
    return base::Error{base::Code::kBadRequest, "CACHE.CALIBRATE: 'pairs' must be an array"};
  }
  if (count.value() > kPairsMax) {
    return base::Error{base::Code::kTooLarge,
                       "CACHE.CALIBRATE: 'pairs' has " + std::to_string(count.value()) +
                           " items, the limit is " + std::to_string(kPairsMax) +
                           "; give the rest in further calls"};
  }
  Judged judged;
  for (std::uint32_t i = 0; i < count.value(); ++i) {
    RETURN_IF_ERROR(JudgePair(judge, i, reader, judged));
  }
  return judged;
}

base::Result<const config::QueryType*> TypeNamed(const Context& context, std::string_view name) {
  for (const config::QueryType& type : context.config.cache.types) {
    if (type.name == name) {
      return &type;
    }
  }
  return base::Error{base::Code::kBadRequest,
                     "CACHE.CALIBRATE: unknown query type; CACHE.TYPES lists them"};
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  semantic::Semantic& semantic = context.instance.semantic();
  const storage::NamespaceId home = context.principal.namespace_id;
  ASSIGN_OR_RETURN(const config::QueryType* type,
                   TypeNamed(context, args.BytesOr(kCalibratedType, "general")));
  constexpr double kMillion = 1'000'000;
  const double max_error =
      args.MaybeShare(kBudget).value_or(static_cast<double>(type->error_budget_ppm) / kMillion);
  if (args.BoolOr(kApply, true) && (context.principal.permissions & access::kMayWrite) == 0) {
    return base::Error{base::Code::kForbidden,
                       "CACHE.CALIBRATE keeps what it learns, and this access key may not write; "
                       "with {apply: false} it only reports"};
  }
  ASSIGN_OR_RETURN(Judged judged, JudgePairs({semantic, home}, args.Bytes(0)));
  const bool replace = args.BoolOr(kReplace, false);
  const semantic::Subject subject{home, type->name, semantic::Setting::kAlone};
  const semantic::Ruling before = semantic.ReportOf(subject, max_error).ruling;
  if (args.BoolOr(kApply, true) && (!judged.pairs.empty() || replace)) {
    RETURN_IF_ERROR(
        context.instance.store().Run([&](storage::Transaction& transaction) -> base::Status {
          ASSIGN_OR_RETURN(const std::uint64_t known,
                           semantic.Learn(home, {type->name, judged.pairs, replace}, transaction));
          judged.repeated += known;
          return base::Ok{};
        }));
  }
  const bool alone = !args.BoolOr(kApply, true) && !judged.seen.empty();
  const semantic::Report report = semantic.ReportOf(subject, max_error);
  const semantic::Ruling ruling =
      alone ? semantic::ThresholdOf(judged.tally, {.max_error = max_error}) : report.ruling;
  reply.Map(10);
  reply.Field("pairs", judged.seen.size());
  reply.Field("vetoed", judged.vetoed);
  reply.Field("repeated", judged.repeated);
  reply.Field("serves", ruling.serves);
  reply.Field("threshold", ruling.threshold);
  reply.Field("bound", ruling.bound);
  reply.Field("wrong_share", ruling.observed);
  reply.Field("hit_share", ruling.hit_share);
  reply.Field("evidence", report.evidence);
  reply.Str("before");
  reply.Map(3);
  reply.Field("serves", before.serves);
  reply.Field("threshold", before.threshold);
  reply.Field("bound", before.bound);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheCalibrate;
constexpr CommandSpec kCacheCalibrate{
    .name = "CACHE.CALIBRATE",
    .family = Family::kCache,
    .summary =
        "Judges labelled pairs of questions as the semantic tier would, keeps them as evidence of "
        "this namespace and query type, and reports from which probability on answers may be "
        "served inside the error budget. Pairs that a guard vetoes are never served and say "
        "nothing of the threshold. The same pair with the same label is evidence once, however "
        "often it is given, in one call or in several.",
    .complexity = "O(pairs x embedding)",
    .since = "0.1",
    .flags = kRead | kBlocking,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{pairs: different ones, vetoed, repeated: not counted, for they were given before, in "
        "this call or an earlier one, serves, threshold: of p_correct, bound: the 99 % upper "
        "confidence bound "
        "of the wrong share from there on, wrong_share: of the pairs seen from there on, "
        "hit_share: of all pairs, those above, evidence: pairs known of this namespace and type "
        "from calibration, verification and feedback, before: {serves, threshold, bound} in force "
        "when the call came}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
