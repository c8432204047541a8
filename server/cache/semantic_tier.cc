// Owns how the cache uses the semantic tier: which entries are considered for a question, which one
// is chosen, and what the tier is told about entries. What two questions have in common is decided
// in server/match, from which probability on it is enough in server/semantic.
#include <algorithm>
#include <cmath>
#include <utility>

#include "server/cache/cache.h"
#include "server/cache/search.h"
#include "server/cache/space.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kNearest = 8;        // entries that the index is asked for
constexpr std::size_t kCompared = 2;       // of these, whose tokens are compared
constexpr std::size_t kListSlots = 4'096;  // of one page of Semantic's list
constexpr float kCosineMin = 0.5F;         // below it no two questions of the corpus are the same
constexpr std::size_t kQuestionBytes = 4'096;  // kept of a question that was answered
constexpr double kMargin = 0.3;                // in logits: what is likelier by less is as likely
constexpr double kMillion = 1'000'000;

bool AllowsSemantic(std::string_view type, const config::CacheOptions& options) {
  return std::any_of(options.types.begin(), options.types.end(), [type](const auto& known) {
    return known.name == type && known.store && known.semantic;
  });
}

double LogitOf(double probability) {
  return std::log(probability / (1 - probability));
}

KeyHash ExactOf(std::string_view entry_name) {
  constexpr std::size_t kHashBytes = 16;
  return KeyHash::FromBytes(entry_name.substr(entry_name.size() - kHashBytes));
}

}  // namespace

std::string NameOfEntry(storage::NamespaceId id, const KeyHash& exact) {
  const auto prefix = storage::PrefixOf(id);
  const auto hash = exact.Bytes();
  return std::string(prefix.data(), prefix.size()) + std::string(hash.data(), hash.size());
}

void Cache::UseSemantic(semantic::Semantic& semantic) {
  semantic_ = &semantic;
  for (const auto& [id, space] : Spaces()) {
    (void)space->TakeGone();
  }
  semantic.Serve({
      [this](const semantic::Entry& entry) {
        const Space* space = Find(entry.partition.namespace_id);
        return space != nullptr && space->Holds(ExactOf(entry.name), entry.id);
      },
      [this](const semantic::Entry& entry) { return PromptOf(entry); },
      [this] { return TakeGone(); },
      [this](std::uint64_t& cursor, std::vector<semantic::Entry>& page) {
        return ListEntries(cursor, page);
      },
  });
}

std::optional<std::string> Cache::PromptOf(const semantic::Entry& entry) const {
  const RowKey key = BodyKey(entry.partition.namespace_id, ExactOf(entry.name));
  const auto row =
      store_.Get(storage::Family::kEntries, ViewOf(key), clock_.Now(), storage::ReadMode::kDisk);
  if (!row.ok() || !row.value().has_value()) {
    return std::nullopt;
  }
  const auto body = ParseBody(row.value()->value());
  if (!body.ok() || body.value().id != entry.id) {
    return std::nullopt;
  }
  return std::string(body.value().prompt);
}

std::vector<std::pair<semantic::Partition, std::uint64_t>> Cache::TakeGone() {
  std::vector<std::pair<semantic::Partition, std::uint64_t>> gone;
  for (const auto& [id, space] : Spaces()) {
    for (const auto& [partition, entry] : space->TakeGone()) {
      gone.emplace_back(semantic::Partition{id, partition}, entry);
    }
  }
  return gone;
}

// The cursor counts slots over all namespaces, in the order of their ids.
bool Cache::ListEntries(std::uint64_t& cursor, std::vector<semantic::Entry>& page) const {
  auto spaces = Spaces();
  std::sort(spaces.begin(), spaces.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::uint64_t before = 0;
  for (const auto& [id, space] : spaces) {
    const SlotNumber slots = space->slots();
    if (cursor < before + slots) {
      const auto first = static_cast<SlotNumber>(cursor - before);
      for (const Space::Listed& entry : space->List(first, kListSlots)) {
        page.push_back(
            {{id, entry.partition}, entry.id, NameOfEntry(id, entry.exact), entry.expires_at});
      }
      cursor = std::min(cursor + kListSlots, before + slots);
      return true;
    }
    before += slots;
  }
  return false;
}

base::Status Cache::ShowToSemantic(const Slot& slot, storage::NamespaceId id, const Answer& answer,
                                   storage::Transaction& transaction) {
  const semantic::Entry entry{
      {id, slot.partition}, slot.id, NameOfEntry(id, slot.exact), slot.expires_at};
  if (!answer.vector.empty()) {
    RETURN_IF_ERROR(semantic_->PutVector(entry, answer.vector, transaction));
  }
  transaction.OnCommit([this, entry] { semantic_->Enqueue(entry); });
  return base::Ok{};
}

// The probability that the answer of the entry, the i-th nearest, serves the probe.
base::Status Cache::CompareWords(const vector::Matches& matches, std::size_t i,
                                 semantic::Probe& probe, Considered& entry) const {
  const float next = i + 1 < matches.size() ? matches[i + 1].similarity : kCosineMin;
  RETURN_IF_ERROR(semantic_->AddTokens(probe));
  RETURN_IF_ERROR(semantic_->AddTokens(entry.question));
  entry.probability = semantic::ProbabilityOf(
      entry.question, probe, entry.verdicts, semantic::Distance{entry.cosine, entry.cosine - next});
  return base::Ok{};
}

// The entries of the same identity whose questions are nearest, with what speaks against each. With
// `ruling` only so many as Choose needs: comparing words costs more than all else.
base::Result<std::vector<Considered>> Cache::Consider(Search& search, semantic::Probe& probe,
                                                      const semantic::Ruling* ruling) const {
  const Wanted& wanted = search.wanted;
  ASSIGN_OR_RETURN(const vector::Matches matches,
                   semantic_->Nearest(PartitionOf(wanted), probe, kNearest));
  std::vector<Considered> considered;
  std::string_view first;  // response of the first that was compared
  std::size_t compared = 0;
  for (std::size_t i = 0; i < matches.size() && matches[i].similarity >= kCosineMin; ++i) {
    const auto candidate = search.space.FindId(matches[i].id, search.visible);
    if (!candidate.has_value() || candidate->stale ||
        !AllowsSemantic(candidate->type_name, search.options)) {
      continue;
    }
    ASSIGN_OR_RETURN(auto found, Verify(wanted, *candidate, search.view, search.space));
    if (!found.has_value()) {
      continue;
    }
    Considered entry;
    entry.found = *std::move(found);
    entry.name = NameOfEntry(wanted.namespace_id, candidate->exact);
    entry.cosine = matches[i].similarity;
    entry.is_barred = semantic_->IsBarred(entry.name, probe);
    entry.question = semantic::ReadQuestion(entry.found.body.prompt, wanted.namespace_id);
    entry.verdicts = semantic::Guard(entry.question, probe);
    bool is_decided = false;
    if (entry.veto() == nullptr && !entry.is_barred && compared < kCompared) {
      is_decided = compared > 0 && entry.found.body.response == first;  // no second meaning
      if (ruling == nullptr || !is_decided) {
        RETURN_IF_ERROR(CompareWords(matches, i, probe, entry));
      }
      const bool is_unsure =
          ruling != nullptr && (!ruling->serves || entry.probability < ruling->threshold);
      first = compared == 0 ? entry.found.body.response : first;
      ++compared;
      is_decided = is_decided || compared == kCompared || is_unsure;
    }
    considered.push_back(std::move(entry));
    if (ruling != nullptr && is_decided) {
      break;
    }
  }
  return considered;
}

// The nearest one that no guard vetoes, when it is likely enough and no other has as good a claim.
// Not the likeliest: of many stored questions some unrelated one looks likely by chance, and the
// vectors are better at saying which is meant (bench/quality, crowded).
const Considered* Cache::Choose(const std::vector<Considered>& considered,
                                const semantic::Ruling& ruling, Absent& why) {
  const Considered* best = nullptr;
  const Considered* second = nullptr;
  for (const Considered& entry : considered) {  // nearest first
    if (entry.probability > 0 && best == nullptr) {
      best = &entry;
    } else if (entry.probability > 0 && second == nullptr) {
      second = &entry;
    }
  }
  if (best == nullptr) {
    if (!considered.empty()) {
      why = considered.front().is_barred ? Absent::kBarred : Absent::kGuarded;
    }
    return nullptr;
  }
  if (!ruling.serves || best->probability < ruling.threshold) {
    why = Absent::kUnsure;
    return nullptr;
  }
  // Two stored questions that are not the same, about as likely, and either could be meant.
  if (second != nullptr && second->probability >= ruling.threshold &&
      LogitOf(best->probability) - LogitOf(second->probability) < kMargin &&
      second->found.body.response != best->found.body.response &&
      semantic::AreApart(best->question, second->question)) {
    why = Absent::kAmbiguous;
    return nullptr;
  }
  return best;
}

double Cache::BudgetOf(std::string_view type, const Search& search) {
  if (search.limits.max_error.has_value()) {
    return *search.limits.max_error;
  }
  for (const config::QueryType& known : search.options.types) {
    if (known.name == type) {
      return static_cast<double>(known.error_budget_ppm) / kMillion;
    }
  }
  return 0;
}

semantic::Partition Cache::PartitionOf(const Wanted& wanted) const {
  return {wanted.namespace_id, hasher_.Identity(wanted.namespace_id, wanted.identity)};
}

bool Cache::MayAskSemantic(const Search& search, std::string_view type) const {
  return semantic_ != nullptr && search.options.semantic != config::TierMode::kOff &&
         search.limits.deepest == Tier::kSemantic && AllowsSemantic(type, search.options) &&
         semantic_->HasEntries(PartitionOf(search.wanted));
}

base::Result<std::optional<Found>> Cache::AskSemantic(Search& search, std::string_view type) const {
  if (!MayAskSemantic(search, type)) {
    return std::optional<Found>{};
  }
  if (!search.view.may_wait()) {
    return Error{Code::kWouldBlock, "an embedding is computed on a storage thread"};
  }
  auto probe = semantic_->MakeProbe({search.wanted.namespace_id, search.wanted.prompt},
                                    search.limits.vector, search.limits.pause);
  if (!probe.ok()) {
    if (probe.error().code != Code::kUnavailable) {
      return probe.error();
    }
    search.why = Absent::kNoVector;  // An embedder that does not answer is a miss.
    return std::optional<Found>{};
  }
  const semantic::Ruling ruling =
      semantic_->RulingOf(search.wanted.namespace_id, type, BudgetOf(type, search));
  ASSIGN_OR_RETURN(auto considered, Consider(search, probe.value(), &ruling));
  const Considered* chosen = Choose(considered, ruling, search.why);
  if (chosen == nullptr) {
    return std::optional<Found>{};
  }
  Found found = chosen->found;
  if (search.options.semantic == config::TierMode::kShadow) {
    search.shadow = found.worth;
    return std::optional<Found>{};
  }
  found.likeness = {chosen->cosine, chosen->probability, ruling.bound, 0, false};
  if (!search.limits.peek) {
    found.likeness.is_to_verify = semantic_->DrawVerification(search.options.verify_ppm);
    found.likeness.hit = semantic_->Remember(
        {search.wanted.namespace_id, chosen->name, std::string(type), chosen->probability,
         std::string(search.wanted.prompt.substr(0, kQuestionBytes)),
         semantic::PackedVector::Of(probe.value().vectors->vector),
         found.likeness.is_to_verify ? semantic::Source::kVerified : semantic::Source::kFeedback});
    search.space.Use(found.body.id);
  }
  return std::optional(std::move(found));
}

// What the tier thinks of a question, for people. Nothing is counted.
base::Result<Likely> Cache::FindLikely(const Question& question, const LookupLimits& limits,
                                       const config::CacheOptions& options,
                                       const storage::View& view) {
  Likely likely;
  ASSIGN_OR_RETURN(const Ruling ruling, Judge(question, options));
  Memory memory;
  RETURN_IF_ERROR(CanonicalIdentity(question.identity, memory.identity));
  Search search = SearchFor(question, limits, options, view, memory);
  likely.allowed = !ruling.refused && AllowsSemantic(ruling.type, options);
  likely.max_error = BudgetOf(ruling.type, search);
  if (semantic_ == nullptr || !likely.allowed) {
    return likely;
  }
  likely.report = semantic_->ReportOf(question.namespace_id, ruling.type, likely.max_error);
  if (!semantic_->HasEntries(PartitionOf(search.wanted))) {
    return likely;
  }
  ASSIGN_OR_RETURN(
      semantic::Probe probe,
      semantic_->MakeProbe({question.namespace_id, question.prompt}, limits.vector, limits.pause));
  ASSIGN_OR_RETURN(likely.considered, Consider(search, probe, nullptr));
  likely.chosen = Choose(likely.considered, likely.report.ruling, search.why) != nullptr;
  likely.why = search.why;
  return likely;
}

}  // namespace reprise::cache
