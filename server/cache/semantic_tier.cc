// Owns how the cache uses the semantic tier: which entries are considered for a question, which one
// is chosen, and what the tier is told about entries. What two questions have in common is decided
// in server/match, from which probability on it is enough in server/semantic.
#include <algorithm>
#include <cmath>
#include <utility>

#include "server/cache/cache.h"
#include "server/cache/search.h"
#include "server/cache/space.h"
#include "server/match/model.h"
#include "server/semantic/parts.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kNearest = 8;        // entries that the index is asked for
constexpr std::size_t kCompared = 2;       // of these, whose tokens are compared
constexpr std::size_t kGuarded = 3;        // that may answer: one of those compared may drop out
constexpr std::size_t kListSlots = 4'096;  // of one page of Semantic's list
constexpr float kCosineMin = 0.5F;         // below it no two questions of the corpus are the same
constexpr double kMargin = 0.3;            // in logits: what is likelier by less is as likely
constexpr double kMillion = 1'000'000;

bool AllowsSemantic(std::string_view type, const config::CacheOptions& options) {
  return std::any_of(options.types.begin(), options.types.end(), [type](const auto& known) {
    return known.name == type && known.store && known.semantic;
  });
}

double LogitOf(double probability) {
  return std::log(probability / (1 - probability));
}

// How near the nearest of the others is that has another answer.
std::optional<float> RivalOf(const Neighbours& neighbours, const Considered& entry) {
  if (neighbours.setting == semantic::Setting::kAlone) {
    return std::nullopt;
  }
  for (const Considered& other : neighbours.entries) {  // nearest first
    if (&other != &entry && other.found.body.response != entry.found.body.response) {
      return other.cosine;
    }
  }
  return 0.0F;
}

Absent AbsentOf(semantic::Refusal refusal) {
  switch (refusal) {
    case semantic::Refusal::kTemplate:
      return Absent::kTemplate;
    case semantic::Refusal::kContext:
      return Absent::kContext;
    case semantic::Refusal::kTooLong:
      return Absent::kTooLong;
    case semantic::Refusal::kNone:
      break;
  }
  return Absent::kGuarded;
}

// What the question and several stored ones have in common in front and at the back is a
// template, though one sentence.
bool HasRecurringBorder(const Neighbours& neighbours) {
  constexpr std::ptrdiff_t kRecurs = 3;
  return std::count_if(neighbours.entries.begin(), neighbours.entries.end(),
                       [](const Considered& entry) { return entry.facing.has_border; }) >= kRecurs;
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
  for (const auto& [id, space] : spaces_.All()) {
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
  for (const auto& [id, space] : spaces_.All()) {
    for (const auto& [partition, entry] : space->TakeGone()) {
      gone.emplace_back(semantic::Partition{id, partition}, entry);
    }
  }
  return gone;
}

// The cursor counts slots over all namespaces, in the order of their ids.
bool Cache::ListEntries(std::uint64_t& cursor, std::vector<semantic::Entry>& page) const {
  auto spaces = spaces_.All();
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

// The entries of the same identity whose questions are nearest, with what speaks against each. All
// of them: how far away the nearest other answer is, is part of what Compare weighs. The guards are
// asked until so many may answer: of long prompts they cost more than all else.
base::Result<Neighbours> Cache::Consider(Search& search, semantic::Asked& asked,
                                         std::size_t guarded_max) const {
  const Wanted& wanted = search.wanted;
  const semantic::VectorSpace& space = *asked.space;
  semantic::Probe& probe = asked.probe;
  ASSIGN_OR_RETURN(const vector::Matches matches,
                   space.Nearest(PartitionOf(wanted), probe, kNearest));
  std::size_t guarded = 0;
  Neighbours neighbours;
  neighbours.setting =
      matches.size() == kNearest ? semantic::Setting::kInCrowd : semantic::Setting::kAlone;
  for (const vector::Match& match : matches) {
    if (match.similarity < kCosineMin) {
      break;
    }
    const auto candidate = search.space.FindId(match.id, search.visible);
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
    entry.cosine = match.similarity;
    entry.embedder = space.embedding().Name();
    entry.is_barred = semantic_->IsBarred(entry.name, asked);
    entry.question = semantic::ReadQuestion(entry.found.body.prompt, wanted.namespace_id);
    entry.facing = semantic::Face(entry.question, probe);
    entry.is_passed_over = guarded == guarded_max;
    if (!entry.is_passed_over) {
      entry.verdicts = semantic::Guard(entry.question, probe, entry.facing);
      guarded += entry.MayAnswer() ? 1 : 0;
    }
    neighbours.entries.push_back(std::move(entry));
  }
  return neighbours;
}

// The nearest ones that nothing speaks against get a probability. With `ruling` only so many as
// Choose needs: comparing words costs more than all else.
base::Status Cache::Compare(Neighbours& neighbours, semantic::Asked& asked,
                            const semantic::Ruling* ruling) {
  const semantic::VectorSpace& space = *asked.space;
  const bool recurs = HasRecurringBorder(neighbours);
  const Considered* first = nullptr;  // that has a probability
  std::size_t compared = 0;
  for (Considered& entry : neighbours.entries) {
    if (!entry.MayAnswer()) {
      continue;
    }
    if (compared++ == kCompared) {
      break;
    }
    if (recurs && entry.facing.has_border &&
        semantic::DifferInContent(entry.question, asked.probe)) {
      entry.facing.refusal = semantic::Refusal::kTemplate;  // The rest must say the same.
      continue;
    }
    const bool is_second = first != nullptr;
    if (ruling != nullptr && is_second && entry.found.body.response == first->found.body.response) {
      break;  // No second meaning.
    }
    const bool is_whole = entry.facing.is_whole;
    semantic::Probe& stored = is_whole ? entry.question : entry.facing.stored;
    semantic::Probe& put = is_whole ? asked.probe : entry.facing.asked;
    const std::optional<float> rival =
        is_whole ? RivalOf(neighbours, entry) : std::optional<float>();
    if (!is_whole || match::WeighsAlignment(rival.has_value())) {
      RETURN_IF_ERROR(space.AddTokens(put));
      RETURN_IF_ERROR(space.AddTokens(stored));
    }
    const float cosine = is_whole ? entry.cosine : semantic::CosineOf(stored, put);
    entry.probability = semantic::ProbabilityOf(stored, put, entry.verdicts,
                                                {cosine, rival, space.embedding().HasTokens()});
    if (ruling != nullptr && !is_second &&
        (!ruling->serves || entry.probability < ruling->threshold)) {
      break;  // Unsure, whatever the other one is.
    }
    first = is_second ? first : &entry;
  }
  return base::Ok{};
}

// The nearest one that no guard vetoes, when it is likely enough and no other has as good a claim.
// Not the likeliest: of many stored questions some unrelated one looks likely by chance, and the
// vectors are better at saying which is meant (bench/quality, crowded).
const Considered* Cache::Choose(const Neighbours& neighbours, const semantic::Ruling& ruling,
                                Absent& why) {
  const Considered* best = nullptr;
  const Considered* second = nullptr;
  for (const Considered& entry : neighbours.entries) {  // nearest first
    if (entry.MayAnswer() && best == nullptr) {
      best = &entry;
    } else if (entry.MayAnswer() && second == nullptr) {
      second = &entry;
    }
  }
  if (best == nullptr) {
    if (!neighbours.entries.empty()) {
      const Considered& nearest = neighbours.entries.front();
      why = nearest.is_barred ? Absent::kBarred : AbsentOf(nearest.facing.refusal);
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
  return semantic_ != nullptr && search.modes.semantic != config::TierMode::kOff &&
         search.limits.deepest == Tier::kSemantic && AllowsSemantic(type, search.options);
}

void Cache::NoteIndexing(Search& search) const {
  if (search.why == Absent::kUnknown && semantic_->queued() > 0) {
    search.why = Absent::kIndexing;
  }
}

// Each space chooses by its own vectors and its own evidence. While one takes the other's place, a
// question may have an answer in both: when these differ, either could be meant.
base::Result<Cache::Chosen> Cache::ChooseAmong(Search& search, std::string_view type,
                                               std::vector<semantic::Asked>& spaces,
                                               Neighbours* seen) const {
  Chosen chosen;
  for (semantic::Asked& asked : spaces) {
    ASSIGN_OR_RETURN(Neighbours neighbours,
                     Consider(search, asked, seen == nullptr ? kGuarded : kNearest));
    std::vector<Considered>& considered = neighbours.entries;
    const semantic::Ruling ruling =
        semantic_->RulingOf(*asked.space, {search.wanted.namespace_id, type, neighbours.setting},
                            BudgetOf(type, search));
    RETURN_IF_ERROR(Compare(neighbours, asked, seen == nullptr ? &ruling : nullptr));
    const Considered* best = Choose(neighbours, ruling, search.why);
    if (seen != nullptr) {
      seen->setting = neighbours.setting;
      seen->entries.insert(seen->entries.end(), considered.begin(), considered.end());
    }
    if (best != nullptr && chosen.entry.has_value() &&
        best->found.body.response != chosen.entry->found.body.response &&
        semantic::AreApart(best->question, chosen.entry->question)) {
      search.why = Absent::kAmbiguous;
      return Chosen{};
    }
    if (best != nullptr && !chosen.entry.has_value()) {
      chosen = {std::move(considered[static_cast<std::size_t>(best - considered.data())]),
                ruling.bound, semantic::Semantic::ProbeOf(asked)};
    }
  }
  return chosen;
}

base::Result<std::optional<Found>> Cache::AskSemantic(Search& search, std::string_view type) const {
  if (!MayAskSemantic(search, type)) {
    return std::optional<Found>{};
  }
  if (!semantic_->HasEntries(PartitionOf(search.wanted))) {
    NoteIndexing(search);
    return std::optional<Found>{};
  }
  if (search.wanted.prompt.size() > semantic::kReadBytesMax) {
    search.why = Absent::kTooLong;
    return std::optional<Found>{};
  }
  if (!search.view.may_wait()) {
    return Error{Code::kWouldBlock, "an embedding is computed on a storage thread"};
  }
  auto spaces = semantic_->Ask(PartitionOf(search.wanted), search.wanted.prompt,
                               search.limits.vector, search.limits.pause);
  if (!spaces.ok()) {
    if (spaces.error().code != Code::kUnavailable) {
      return spaces.error();
    }
    search.why = Absent::kNoVector;  // An embedder that does not answer is a miss.
    return std::optional<Found>{};
  }
  ASSIGN_OR_RETURN(Chosen chosen, ChooseAmong(search, type, spaces.value()));
  if (!chosen.entry.has_value()) {
    NoteIndexing(search);
    return std::optional<Found>{};
  }
  Found found = std::move(chosen.entry->found);
  if (search.modes.semantic == config::TierMode::kShadow) {
    search.shadow = found.worth;
    return std::optional<Found>{};
  }
  found.likeness = {chosen.entry->cosine, chosen.entry->probability, chosen.bound, 0, false};
  if (!search.limits.peek) {
    found.likeness.is_to_verify = semantic_->DrawVerification(search.options.verify_ppm);
    found.likeness.hit = semantic_->Remember(
        {search.wanted.namespace_id, chosen.entry->name, std::string(type),
         chosen.entry->probability,
         std::string(search.wanted.prompt.substr(0, semantic::kQuestionBytesMax)), chosen.probe,
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
  const auto report = [&](semantic::Setting setting) {
    return semantic_->ReportOf({question.namespace_id, ruling.type, setting}, likely.max_error);
  };
  likely.report = report(semantic::Setting::kAlone);
  if (!semantic_->HasEntries(PartitionOf(search.wanted))) {
    return likely;
  }
  if (question.prompt.size() > semantic::kReadBytesMax) {
    likely.why = Absent::kTooLong;
    return likely;
  }
  ASSIGN_OR_RETURN(auto spaces, semantic_->Ask(PartitionOf(search.wanted), question.prompt,
                                               limits.vector, limits.pause));
  ASSIGN_OR_RETURN(const Chosen chosen,
                   ChooseAmong(search, ruling.type, spaces, &likely.neighbours));
  likely.report = report(likely.neighbours.setting);
  likely.chosen = chosen.entry.has_value();
  likely.why = search.why;
  return likely;
}

}  // namespace reprise::cache
