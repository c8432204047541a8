#include "server/cache/cache.h"

#include <algorithm>
#include <limits>

#include "protocol/base/random.h"
#include "protocol/wire/reader.h"
#include "server/cache/classify.h"
#include "server/cache/search.h"
#include "server/cache/space.h"
#include "server/telemetry/escape.h"
#include "server/text/normalize.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::string_view kSecretRow = "cache_secret";
base::Result<const config::QueryType*> FindType(std::string_view wanted,
                                                const config::CacheOptions& options) {
  std::string known;
  for (const config::QueryType& type : options.types) {
    if (type.name == wanted) {
      return &type;
    }
    known += (known.empty() ? "" : ", ") + type.name;
  }
  std::string shown;
  telemetry::AppendTextValue(telemetry::CutAt(wanted, 64), shown);
  return Error{Code::kBadRequest, "unknown query type " + shown + "; configured are " + known};
}

base::Status CheckPrompt(std::string_view prompt, const config::CacheOptions& options) {
  if (prompt.empty()) {
    return Error{Code::kBadRequest, "the prompt is empty"};
  }
  if (prompt.size() > static_cast<std::size_t>(options.prompt_bytes_max)) {
    return Error{Code::kTooLarge,
                 "prompt_bytes: " + std::to_string(prompt.size()) + " is more than the limit of " +
                     std::to_string(options.prompt_bytes_max) + " (cache.prompt_bytes_max)"};
  }
  return text::CheckUtf8(prompt);
}

base::Status CheckResponse(std::string_view response, const config::QueryType& type,
                           const config::CacheOptions& options) {
  constexpr std::string_view kNil = "\xc0";
  if (response.empty() || response == kNil) {
    return Error{Code::kBadRequest, "a response must not be nil"};
  }
  const std::int64_t limit = std::min(options.value_bytes_max, type.response_bytes_max);
  if (response.size() > static_cast<std::size_t>(limit)) {
    const bool by_type = type.response_bytes_max < options.value_bytes_max;
    return Error{Code::kTooLarge,
                 "value_bytes: the response has " + std::to_string(response.size()) +
                     " bytes, the limit is " + std::to_string(limit) +
                     (by_type ? " (cache.types." + type.name + ".response_bytes_max)"
                              : std::string(" (cache.value_bytes_max)"))};
  }
  return base::Ok{};
}

// Whether answers of this type are served; a type that is no longer configured has no policy.
bool IsKept(std::string_view type, const config::CacheOptions& options) {
  return std::none_of(
      options.types.begin(), options.types.end(),
      [type](const config::QueryType& known) { return known.name == type && !known.store; });
}

// `seed` makes it different for each entry.
std::int64_t JitteredTtl(const config::QueryType& type, std::uint64_t seed) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;
  constexpr std::int64_t kParts = 1'000'000;
  const auto chance = static_cast<std::int64_t>(((seed * kGolden) >> 32U) % kParts);
  const std::int64_t most = type.ttl_ms / 100 * type.jitter_percent;
  return std::max<std::int64_t>(
      1, type.ttl_ms - most / kParts * chance - most % kParts * chance / kParts);
}

void SetLife(const Answer& answer, const config::QueryType& type, base::UnixMillis now,
             Slot& slot) {
  const std::int64_t ttl_ms = answer.ttl_ms.value_or(JitteredTtl(type, slot.exact.low ^ slot.id));
  const Life life = answer.life.value_or(Life{now, now + ttl_ms});
  slot.created_at = life.created_at;
  slot.fresh_until = life.expires_at;
  slot.expires_at = slot.fresh_until + type.stale_ms;
  slot.sliding_ms = type.sliding ? ttl_ms : 0;
}

Reason CountedAs(Absent why) {
  switch (why) {
    case Absent::kExpired:
      return Reason::kExpired;
    case Absent::kTooOld:
      return Reason::kTooOld;
    case Absent::kVoid:
      return Reason::kInvalidated;
    case Absent::kGuarded:
      return Reason::kGuarded;
    case Absent::kUnsure:
    case Absent::kAmbiguous:
      return Reason::kUnsure;
    case Absent::kBarred:
      return Reason::kBarred;
    case Absent::kNoVector:
      return Reason::kNoVector;
    case Absent::kTemplate:
      return Reason::kTemplate;
    case Absent::kContext:
      return Reason::kContext;
    case Absent::kTooLong:
      return Reason::kTooLong;
    case Absent::kIndexing:
    case Absent::kUnknown:
      break;
  }
  return Reason::kUnknown;
}

std::string_view ReasonOf(const Found& found, std::string_view prompt) {
  if (found.stale) {
    return "the answer is past its time to live";
  }
  if (found.tier == Tier::kSemantic) {
    return found.likeness.is_to_verify
               ? "the same question in other words, chosen at random to be verified"
               : "the same question in other words";
  }
  // The normalized tier finds the very same text, too, where the exact one is not asked.
  return found.body.prompt == prompt ? "the same prompt and identity"
                                     : "the same prompt but for case, space or punctuation";
}

base::Result<std::string> LoadSecret(storage::Store& store) {
  ASSIGN_OR_RETURN(const auto stored,
                   store.Get(Family::kMeta, kSecretRow, storage::kNever, storage::ReadMode::kDisk));
  if (stored.has_value()) {
    if (stored->value().size() != KeyHasher::kSecretBytes) {
      return Error{Code::kCorrupt, "the meta row 'cache_secret' cannot be read"};
    }
    return std::string(stored->value());
  }
  const std::string secret = base::RandomBytes(KeyHasher::kSecretBytes);
  RETURN_IF_ERROR(store.Run([&](storage::Transaction& transaction) -> base::Status {
    transaction.RequireSync();
    transaction.Put(Family::kMeta, kSecretRow, secret, storage::kNever);
    return base::Ok{};
  }));
  return secret;
}

}  // namespace

base::Status CanonicalIdentity(std::string_view identity, std::string& out) {
  out.clear();
  constexpr std::string_view kNil = "\xc0";
  if (identity.empty() || identity == kNil) {
    return base::Ok{};
  }
  return Canonicalize(identity, out);
}

std::string_view ReasonOf(Absent why) {
  switch (why) {
    case Absent::kExpired:
      return "the entry has expired";
    case Absent::kTooOld:
      return "the entry is older than max_age_ms";
    case Absent::kVoid:
      return "the entry was invalidated";
    case Absent::kGuarded:
      return "the nearest question differs in what matters; CACHE.EXPLAIN says in what";
    case Absent::kUnsure:
      return "the nearest question is not likely enough to be the same for the error budget";
    case Absent::kAmbiguous:
      return "two stored questions that are not the same are equally likely to be meant";
    case Absent::kBarred:
      return "the nearest entry was judged wrong for this question";
    case Absent::kNoVector:
      return "the embedder did not answer";
    case Absent::kTemplate:
      return semantic::ReasonOf(semantic::Refusal::kTemplate);
    case Absent::kContext:
      return semantic::ReasonOf(semantic::Refusal::kContext);
    case Absent::kTooLong:
      return semantic::ReasonOf(semantic::Refusal::kTooLong);
    case Absent::kIndexing:
      return "no entry for this prompt and identity; entries stored a moment ago are not found in "
             "other words yet (INFO semantic: queued)";
    case Absent::kUnknown:
      break;
  }
  return "no entry for this prompt and identity";
}

std::string_view NameOf(Tier tier) {
  switch (tier) {
    case Tier::kExact:
      return "exact";
    case Tier::kNormalized:
      return "normalized";
    case Tier::kSemantic:
      break;
  }
  return "semantic";
}

Cache::Cache(const KeyHasher& hasher, const storage::Store& store, const base::Clock& clock)
    : hasher_(hasher), store_(store), clock_(clock), flights_(clock) {}
Cache::~Cache() = default;

base::Result<std::unique_ptr<Cache>> Cache::Load(
    storage::Store& store, const std::vector<storage::NamespaceId>& namespaces,
    const base::Clock& clock) {
  ASSIGN_OR_RETURN(const std::string secret, LoadSecret(store));
  std::unique_ptr<Cache> cache(new Cache(KeyHasher(secret), store, clock));
  for (const storage::NamespaceId id : namespaces) {
    RETURN_IF_ERROR(cache->LoadSpace(id, clock.Now(), store));
  }
  return cache;
}

base::Status Cache::LoadSpace(storage::NamespaceId id, base::UnixMillis now,
                              storage::Store& store) {
  Space& space = FindOrMake(id);
  RETURN_IF_ERROR(LoadAccounts(id, space, store));
  std::optional<Error> bad;
  struct Loaded {
    Slot slot;
    std::string type;
    std::string model;
    std::string tags;
  };
  std::vector<Loaded> entries;
  const std::string prefix = SummaryPrefix(id);
  const storage::ScanRequest summaries{.family = Family::kEntries, .prefix = prefix, .after = ""};
  RETURN_IF_ERROR(store.Scan(summaries, now, [&](const storage::ScanRow& row) {
    auto parsed = ParseSummary(row.key, row.value, row.expires_at);
    if (!parsed.ok()) {
      bad = parsed.error();
      return false;
    }
    const Summary& summary = parsed.value();
    Slot slot;
    slot.exact = summary.exact;
    slot.normalized = summary.normalized;
    slot.id = summary.id;
    slot.created_at = summary.created_at;
    slot.expires_at = summary.expires_at;
    slot.fresh_until = summary.fresh_until;
    slot.sliding_ms = summary.sliding_ms;
    slot.partition = summary.partition;
    slot.worth = summary.worth;
    slot.bytes = summary.body_bytes == 0 ? 0 : EntryBytes(row.value.size(), summary.body_bytes);
    entries.push_back(
        {slot, std::string(summary.type), std::string(summary.model), std::string(summary.tags)});
    return true;
  }));
  if (bad.has_value()) {
    return *std::move(bad);
  }
  std::sort(entries.begin(), entries.end(),
            [](const Loaded& a, const Loaded& b) { return a.slot.id < b.slot.id; });
  for (Loaded& entry : entries) {
    if (entry.slot.bytes == 0) {  // Its summary is of a version that did not know.
      const RowKey key = BodyKey(id, entry.slot.exact);
      ASSIGN_OR_RETURN(const auto body,
                       store.Get(Family::kEntries, ViewOf(key), now, storage::ReadMode::kDisk));
      entry.slot.bytes = EntryBytes(0, body.has_value() ? body->value().size() : 0);
    }
    space.Insert(entry.slot, {entry.type, entry.model, entry.tags});
    next_id_ = std::max(next_id_, entry.slot.id + 1);
  }
  return LoadFloors(id, space, store);
}

base::Status Cache::LoadFloors(storage::NamespaceId id, Space& space, storage::Store& store) {
  std::optional<Error> bad;
  const std::string prefix = FloorsPrefix(id);
  const storage::ScanRequest floors{.family = Family::kMeta, .prefix = prefix, .after = ""};
  RETURN_IF_ERROR(store.Scan(floors, storage::kNever, [&](const storage::ScanRow& row) {
    const auto floor = ParseFloor(row.value);
    if (!floor.ok() || row.key.size() == prefix.size()) {
      bad = Error{Code::kCorrupt, "a floor row of the cache cannot be read"};
      return false;
    }
    const std::string_view label = row.key.substr(prefix.size());
    space.Invalidate({static_cast<LabelKind>(label.front()), label.substr(1)}, floor.value());
    next_id_ = std::max(next_id_, floor.value());
    return true;
  }));
  if (bad.has_value()) {
    return *std::move(bad);
  }
  return base::Ok{};
}

Cache::Space* Cache::Find(storage::NamespaceId id) const {
  return spaces_.Find(id);
}

Cache::Space& Cache::FindOrMake(storage::NamespaceId id) {
  return *spaces_.FindOrMake(id, [&] { return std::make_unique<Space>(totals_, log_share_, id); })
              .first;
}

base::Result<Ruling> Cache::Judge(const Question& question, const config::CacheOptions& options) {
  Ruling ruling{std::string(question.type), "given by the caller", false, {}};
  if (question.type.empty() || !options.bypass_rules.empty()) {
    thread_local std::string normalized;
    RETURN_IF_ERROR(text::Normalize(question.prompt, normalized));
    if (question.type.empty()) {
      Classified classified = Classify(normalized, options);
      ruling.type = classified.type;
      ruling.reason = std::move(classified.reason);
    }
    if (const std::string_view rule = BypassRule(normalized, options); !rule.empty()) {
      ruling.refused = true;
      ruling.refusal = "the rule \"" + std::string(rule) + "\" (cache.bypass_rules)";
    }
  }
  ASSIGN_OR_RETURN(const config::QueryType* type, FindType(ruling.type, options));
  if (!type->store && !ruling.refused) {
    ruling.refused = true;
    ruling.refusal =
        "answers of type '" + ruling.type + "' are not kept; it is of this type: " + ruling.reason;
  }
  return ruling;
}

// The entry's answer, when the stored bytes are really about this question.
base::Result<std::optional<Found>> Cache::Verify(const Wanted& wanted, const Candidate& candidate,
                                                 const storage::View& view, Space& space) {
  const RowKey key = BodyKey(wanted.namespace_id, candidate.exact);
  ASSIGN_OR_RETURN(auto bytes, view.Get(Family::kEntries, ViewOf(key)));
  if (!bytes.has_value()) {
    return std::optional<Found>{};
  }
  Found found;
  found.bytes = *std::move(bytes);
  ASSIGN_OR_RETURN(found.body, ParseBody(found.bytes.value()));
  if (found.body.namespace_id != wanted.namespace_id) {
    space.CountForeignBody();
    return std::optional<Found>{};
  }
  if (found.body.id != candidate.id || found.body.identity != wanted.identity) {
    return std::optional<Found>{};
  }
  if (candidate.tier == Tier::kExact && found.body.prompt != wanted.prompt) {
    return std::optional<Found>{};
  }
  if (candidate.tier == Tier::kNormalized) {
    std::string normalized;
    RETURN_IF_ERROR(text::Normalize(found.body.prompt, normalized));
    if (normalized != wanted.normalized) {
      return std::optional<Found>{};
    }
  }
  found.tier = candidate.tier;
  found.type = candidate.type_name;
  found.stale = candidate.stale;
  found.created_at = candidate.created_at;
  found.expires_at = candidate.fresh_until;
  found.worth = candidate.worth;
  return std::optional(std::move(found));
}

// What one tier answers; nothing when it is off, and in shadow mode only a note of what it would.
base::Result<std::optional<Found>> Cache::AskTier(Search& search, Tier tier) const {
  const bool is_exact = tier == Tier::kExact;
  const config::TierMode mode = is_exact ? search.modes.exact : search.modes.normalized;
  if (mode == config::TierMode::kOff) {
    return std::optional<Found>{};
  }
  Wanted& wanted = search.wanted;
  std::optional<Candidate> candidate;
  if (is_exact) {
    const KeyHash hash = hasher_.Exact(wanted.namespace_id, wanted.identity, wanted.prompt);
    candidate = search.space.FindExact(hash, search.visible, search.why);
  } else {
    RETURN_IF_ERROR(text::Normalize(wanted.prompt, search.normalized));
    wanted.normalized = search.normalized;
    const KeyHash hash =
        hasher_.Normalized(wanted.namespace_id, wanted.identity, search.normalized);
    candidate = search.space.FindNormalized(hash, search.visible, search.why);
  }
  if (!candidate.has_value()) {
    return std::optional<Found>{};
  }
  ASSIGN_OR_RETURN(auto found, Verify(wanted, *candidate, search.view, search.space));
  if (mode == config::TierMode::kShadow && found.has_value()) {
    if (!found->stale && !search.shadow.has_value()) {
      search.shadow = found->worth;
    }
    return std::optional<Found>{};
  }
  return found;
}

// A fresh answer of either tier goes before a stale one.
base::Result<std::optional<Found>> Cache::FindAnswer(Search& search) const {
  ASSIGN_OR_RETURN(auto best, AskTier(search, Tier::kExact));
  if (search.limits.deepest == Tier::kExact || (best.has_value() && !best->stale)) {
    return best;
  }
  ASSIGN_OR_RETURN(auto found, AskTier(search, Tier::kNormalized));
  if (found.has_value() && (!found->stale || !best.has_value())) {
    return found;
  }
  return best;
}

Cache::Search Cache::SearchFor(const Question& question, const LookupLimits& limits,
                               const config::CacheOptions& options, const storage::View& view,
                               Memory& memory) {
  return {
      limits,
      options,
      view,
      FindOrMake(question.namespace_id),
      {view.store().committed(), view.now(), limits.max_age_ms, limits.stale_ok_ms, limits.peek},
      {question.namespace_id, memory.identity, question.prompt, {}},
      memory.normalized,
      ModesOf(limits, options)};
}

// A hit that is to be verified answers nobody: it counts as a miss.
Outcome Cache::Serve(Search& search, Found found, const Question& question) {
  if (!found.stale && !search.limits.peek) {
    const Moment moment{question.asker, search.view.now()};
    if (found.likeness.is_to_verify) {
      CountMiss(search.space, {found.type, Reason::kVerify, std::nullopt}, moment);
    } else {
      CountServed(search.space, found, DecisionKind::kHit, moment);
    }
  }
  const std::string_view reason = ReasonOf(found, question.prompt);
  return {std::move(found), reason, {}};
}

base::Result<Outcome> Cache::Lookup(const Question& question, const LookupLimits& limits,
                                    const config::CacheOptions& options,
                                    const storage::View& view) {
  RETURN_IF_ERROR(CheckPrompt(question.prompt, options));
  if (!question.type.empty() || !options.bypass_rules.empty()) {
    ASSIGN_OR_RETURN(Ruling ruling, Judge(question, options));
    if (ruling.refused) {
      return Refuse(std::move(ruling), question, limits);
    }
  }
  thread_local Memory memory;
  RETURN_IF_ERROR(CanonicalIdentity(question.identity, memory.identity));
  Search search = SearchFor(question, limits, options, view, memory);
  ASSIGN_OR_RETURN(auto found, FindAnswer(search));
  if (found.has_value() && IsKept(found->type, options)) {
    return Serve(search, *std::move(found), question);
  }
  ASSIGN_OR_RETURN(Ruling ruling, Judge(question, options));
  if (ruling.refused) {
    return Refuse(std::move(ruling), question, limits);
  }
  ASSIGN_OR_RETURN(auto likely, AskSemantic(search, ruling.type));
  if (likely.has_value()) {
    return Serve(search, *std::move(likely), question);
  }
  if (limits.count_miss && !limits.peek) {
    CountMiss(search.space, {ruling.type, CountedAs(search.why), search.shadow},
              {question.asker, view.now()});
  }
  return Outcome{std::nullopt, ReasonOf(search.why), std::move(ruling)};
}

// That is the last word, even where the caller of a miss would ask again: it is always counted.
Outcome Cache::Refuse(Ruling ruling, const Question& question, const LookupLimits& limits) {
  if (!limits.peek) {
    CountMiss(FindOrMake(question.namespace_id), {ruling.type, Reason::kPolicy, std::nullopt},
              {question.asker, clock_.Now()});
  }
  return {std::nullopt, "the policies refuse it", std::move(ruling)};
}

base::Result<Stored> Cache::Store(const Question& question, const Answer& answer,
                                  const config::CacheOptions& options,
                                  storage::Transaction& transaction) {
  RETURN_IF_ERROR(CheckPrompt(question.prompt, options));
  ASSIGN_OR_RETURN(const Ruling ruling, Judge(question, options));
  ASSIGN_OR_RETURN(const config::QueryType* type, FindType(ruling.type, options));
  RETURN_IF_ERROR(CheckResponse(answer.response, *type, options));
  if (ruling.refused) {
    Stored refused;
    refused.kept = false;
    refused.reason = ruling.refusal;
    return refused;
  }
  std::string identity;
  std::string normalized;
  RETURN_IF_ERROR(CanonicalIdentity(question.identity, identity));
  RETURN_IF_ERROR(text::Normalize(question.prompt, normalized));

  const storage::NamespaceId id = question.namespace_id;
  Slot slot;
  slot.exact = hasher_.Exact(id, identity, question.prompt);
  slot.normalized = hasher_.Normalized(id, identity, normalized);
  slot.id = TakeId(transaction.now());
  slot.commit = transaction.commit();
  SetLife(answer, *type, transaction.now(), slot);
  slot.partition = hasher_.Identity(id, identity);
  slot.worth = answer.worth;

  for (const auto& [kind, name] : answer.invalidated) {
    const bool is_meant = kind == LabelKind::kIdentity
                              ? PartitionNamed(name) == slot.partition
                              : HasLabel({type->name, answer.model, answer.tags}, {kind, name});
    if (is_meant) {
      Stored refused;
      refused.kept = false;
      refused.reason = "it was invalidated while it was computed";
      return refused;
    }
  }
  const std::string body = FormatBody(
      {id, slot.id, identity, question.prompt, answer.response, answer.model, answer.tags});
  const std::string summary =
      FormatSummary({slot.exact, slot.normalized, slot.id, slot.created_at, slot.expires_at,
                     slot.worth, type->name, answer.model, answer.tags, slot.fresh_until,
                     slot.sliding_ms, slot.partition, static_cast<std::uint32_t>(body.size())});
  slot.bytes = EntryBytes(summary.size(), body.size());
  RETURN_IF_ERROR(MakeRoom(id, slot, options, transaction));
  transaction.Put(Family::kEntries, ViewOf(SummaryKey(id, slot.exact)), summary, slot.expires_at);
  transaction.Put(Family::kEntries, ViewOf(BodyKey(id, slot.exact)), body, slot.expires_at);
  Space& space = FindOrMake(id);
  const EntryLabels labels{type->name, answer.model, answer.tags};
  space.Insert(slot, labels);
  transaction.OnAbort(
      [&space, exact = slot.exact, entry = slot.id] { space.Forget(exact, entry); });
  CountStore(question, labels, transaction);
  if (semantic_ != nullptr &&
      answer.for_semantic.value_or(options.semantic != config::TierMode::kOff)) {
    RETURN_IF_ERROR(ShowToSemantic(slot, id, answer, transaction));
  }
  return Stored{true, {}, slot.id, slot.exact, slot.normalized, slot.fresh_until};
}

TierModes Cache::ModesOf(const LookupLimits& limits, const config::CacheOptions& options) {
  return limits.modes.value_or(TierModes{options.exact, options.normalized, options.semantic});
}

base::Result<FlightQuestion> Cache::Ask(const Question& question, Tier deepest,
                                        const config::CacheOptions& options) const {
  RETURN_IF_ERROR(CheckPrompt(question.prompt, options));
  ASSIGN_OR_RETURN(const Ruling ruling, Judge(question, options));
  FlightQuestion asked;
  RETURN_IF_ERROR(CanonicalIdentity(question.identity, asked.identity));
  RETURN_IF_ERROR(text::Normalize(question.prompt, asked.normalized_prompt));
  asked.namespace_id = question.namespace_id;
  asked.exact = hasher_.Exact(asked.namespace_id, asked.identity, question.prompt);
  asked.normalized =
      hasher_.Normalized(asked.namespace_id, asked.identity, asked.normalized_prompt);
  asked.prompt = question.prompt;
  asked.type = ruling.type;
  asked.exact_only = deepest == Tier::kExact;
  return asked;
}

// Ids grow with time and stay below 2^53, so that every client language holds them exactly; after a
// restart they go on above all that were given out.
std::uint64_t Cache::TakeId(base::UnixMillis now) {
  constexpr std::uint64_t kIdsPerMilli = 1024;
  next_id_ = std::max(next_id_, static_cast<std::uint64_t>(base::ToInt(now)) * kIdsPerMilli);
  return next_id_++;
}

std::uint64_t Cache::Drop(storage::NamespaceId id, bool forget, storage::Transaction& transaction) {
  const auto prefix = storage::PrefixOf(id);
  transaction.DeletePrefix(Family::kEntries, {prefix.data(), prefix.size()});
  if (forget) {
    DeleteAccounts(id, transaction);
  }
  if (semantic_ != nullptr && forget) {
    semantic_->DropNamespace(id, transaction);
  } else if (semantic_ != nullptr) {
    semantic_->DropVectors(id, transaction);
  }
  transaction.DeletePrefix(Family::kMeta, FloorsPrefix(id));
  flights_.Drop(id);
  Space* space = Find(id);
  return space == nullptr ? 0 : space->Clear(forget);
}

std::uint64_t Cache::Invalidate(storage::NamespaceId id, const Label& label,
                                storage::Transaction& transaction) {
  Space& space = FindOrMake(id);
  // What this very batch stored before has a smaller id, and is meant too.
  const Floor floor = TakeId(transaction.now()) + 1;
  const Space::Invalidated done = space.Invalidate(label, floor);
  flights_.NoteInvalidation(id, label);
  transaction.Put(Family::kMeta, FloorKey(id, label), FormatFloor(floor), storage::kNever);
  transaction.OnAbort(
      [&space, kind = label.kind, name = std::string(label.name), before = done.before] {
        space.Restore({kind, name}, before);
      });
  return done.entries;
}

base::Result<std::string> Cache::IdentityLabel(storage::NamespaceId id,
                                               std::string_view identity) const {
  std::string canonical;
  RETURN_IF_ERROR(CanonicalIdentity(identity, canonical));
  return cache::NameOf(hasher_.Identity(id, canonical));
}

std::uint64_t Cache::CountLabel(storage::NamespaceId id, const Label& label) const {
  const Space* space = Find(id);
  return space == nullptr ? 0 : space->CountLabel(label);
}

base::Result<bool> Cache::Remove(const Question& question, const config::CacheOptions& options,
                                 storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(const FlightQuestion asked, Ask(question, Tier::kExact, options));
  flights_.NoteInvalidation(asked);
  Space& space = FindOrMake(question.namespace_id);
  const auto taken = space.TakeOut(asked.exact);
  if (!taken.has_value()) {
    return false;
  }
  DeleteRows(question.namespace_id, asked.exact, transaction);
  // A failed commit leaves the rows; the entry is found again after a restart.
  return true;
}

base::Result<bool> Cache::HasNewer(const Question& question, base::UnixMillis created_at,
                                   base::UnixMillis now) const {
  const Space* space = Find(question.namespace_id);
  if (space == nullptr) {
    return false;
  }
  std::string identity;
  RETURN_IF_ERROR(CanonicalIdentity(question.identity, identity));
  const KeyHash exact = hasher_.Exact(question.namespace_id, identity, question.prompt);
  const Space::Visible all{std::numeric_limits<std::uint64_t>::max(), now, std::nullopt, 0};
  const auto known = space->Look(exact, all);
  return known.has_value() && known->created_at >= created_at;
}

void Cache::Reclaim(std::size_t slots_max, storage::Transaction& transaction) {
  for (const auto& [id, space] : spaces_.All()) {
    if (!space->NeedsReclaim()) {
      continue;
    }
    const Space::Reclaimed reclaimed = space->Reclaim(slots_max);
    for (const KeyHash& exact : reclaimed.entries) {
      DeleteRows(id, exact, transaction);
    }
    for (const auto& [kind, name] : reclaimed.floors) {
      transaction.Delete(Family::kMeta, FloorKey(id, {kind, name}));
    }
    transaction.OnAbort([space = space] { space->KeepFloors(); });
  }
}

bool Cache::NeedsReclaim() const {
  const auto spaces = spaces_.All();
  return std::any_of(spaces.begin(), spaces.end(),
                     [](const auto& item) { return item.second->NeedsReclaim(); });
}

void Cache::SweepExpired(base::UnixMillis now, std::size_t slots_max) {
  for (const auto& [id, space] : spaces_.All()) {
    space->SweepExpired(now, slots_max);
  }
}

}  // namespace reprise::cache
