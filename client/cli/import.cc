#include "client/cli/import.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <ostream>
#include <poll.h>
#include <utility>
#include <vector>

#include "client/cli/format.h"
#include "client/cli/numbers.h"
#include "client/cli/port_end.h"
#include "client/cli/port_state.h"
#include "client/cli/progress.h"
#include "protocol/base/buffer.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/shape.h"
#include "protocol/wire/writer.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Error;
using base::Value;

constexpr std::size_t kReportedMax = 20;  // refused entries that are named; more are only counted
constexpr std::size_t kBatchEntries = 200;
// Below the least that a server can be told to take in one request.
constexpr std::size_t kBatchBytes = std::size_t{48} * 1024;
// Some are left for what stands around the entries.
constexpr std::uint64_t kBatchValues = base::limits::kFrameItems.value - 64;
// Frame, params and array of entries stand around an entry.
constexpr auto kEntryDepthMax = static_cast<std::uint32_t>(base::limits::kDepth.value - 3);
constexpr int kBusyTries = 300;
constexpr int kBusyWaitMs = 100;

struct Pending {
  std::string place;
  std::string entry;
  std::uint64_t values = 0;
};

// A frame that breaks a limit would cost the connection, so the entry is measured here.
base::Result<std::uint64_t> Measure(std::string_view entry) {
  ASSIGN_OR_RETURN(const wire::Shape shape, wire::ShapeOf(entry));
  if (shape.depth > kEntryDepthMax) {
    return Error{Code::kTooLarge,
                 "depth: the entry is nested " + std::to_string(shape.depth) +
                     " levels deep, the limit is " + std::to_string(kEntryDepthMax) +
                     "; give the value as its MessagePack bytes in response_packed or "
                     "identity_packed"};
  }
  if (shape.values > kBatchValues) {
    return Error{Code::kTooLarge, "frame_items: the entry has " + std::to_string(shape.values) +
                                      " values, the limit is " + std::to_string(kBatchValues)};
  }
  return shape.values;
}

struct Counts {
  std::uint64_t stored = 0;
  std::uint64_t skipped = 0;
  std::uint64_t refused = 0;
  std::uint64_t All() const { return stored + skipped + refused; }
};

// FNV-1a of the bytes in front of a place in a file: tells whether it is the file it was.
std::string MarkBefore(const std::string& path, std::uint64_t offset) {
  constexpr std::uint64_t kMarked = 4096;
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t mark = 0xcbf29ce484222325;
  const std::uint64_t size = std::min(offset, kMarked);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset - size));
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  for (const char byte : bytes) {
    mark = (mark ^ static_cast<std::uint8_t>(byte)) * kPrime;
  }
  return std::to_string(bytes.size()) + "-" + std::to_string(mark);
}

class Importer {
 public:
  Importer(Client& client, const ImportOptions& options, std::ostream& report)
      : client_(client),
        options_(options),
        is_file_(options.file != "-"),
        state_(options.file + ".import-state"),
        meter_(report, options.on_terminal, "entries") {}

  // Errors: kBadRequest, kCorrupt: nothing was sent.
  base::Status Begin(std::istream& input);
  base::Status Run(std::istream& input);
  std::string Summary() const;
  const Counts& counts() const { return counts_; }
  // Of a Run that has failed.
  Stop StopFor(const Error& error) const;

 private:
  bool Interrupted() const {
    return options_.interrupted != nullptr && options_.interrupted->load();
  }
  base::Status TakeBatch(EntrySource& source, std::vector<Pending>& batch, bool& at_end);
  base::Status Send(const std::vector<Pending>& batch);
  base::Result<Value> Ask(const std::vector<Pending>& batch);
  base::Status Count(const std::vector<Pending>& batch, const Value& reply);
  void Refuse(const std::string& place, const std::string& reason);
  void Save();
  std::string OptionsText() const;
  Progress Done() const;

  Client& client_;
  const ImportOptions& options_;
  const bool is_file_;
  const PortState state_;
  Meter meter_;
  Position position_;
  Position begun_at_;
  Counts counts_;
  Counts counts_before_;
  std::optional<Pending> ahead_;  // read, but did not fit into the batch
  Position before_ahead_;
  std::size_t reported_ = 0;
  bool saves_ = true;
  bool is_unreadable_ = false;  // the rest of the input
};

// What must be the same when an import is resumed.
std::string Importer::OptionsText() const {
  return std::string(NameOf(options_.format)) + " " + options_.type + " " +
         (options_.replace ? "replace " : "") + (options_.keep_expiry ? "" : "new-expiry ") +
         wire::Encode(options_.identity);
}

base::Status Importer::Begin(std::istream& input) {
  if (!options_.resume) {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const auto state, state_.Load());
  if (!state.has_value()) {
    meter_.Say("nothing to resume (no " + state_.path() + "): from the beginning");
    return base::Ok{};
  }
  if (TextIn(*state, "options") != OptionsText()) {
    return Error{Code::kBadRequest,
                 "the import that is to be resumed had other options (" + state_.path() + ")"};
  }
  position_ = {CountIn(*state, "offset"), CountIn(*state, "line"), CountIn(*state, "in_list") != 0};
  if (TextIn(*state, "mark") != MarkBefore(options_.file, position_.offset)) {
    return Error{Code::kBadRequest, options_.file +
                                        " is not what was imported so far; start anew "
                                        "without --resume"};
  }
  counts_ = {CountIn(*state, "stored"), CountIn(*state, "skipped"), CountIn(*state, "refused")};
  counts_before_ = counts_;
  begun_at_ = position_;
  input.seekg(static_cast<std::streamoff>(position_.offset));
  return base::Ok{};
}

void Importer::Save() {
  if (!is_file_ || !saves_) {
    return;
  }
  const base::Status saved = state_.Save({{"options", OptionsText()},
                                          {"offset", position_.offset},
                                          {"line", position_.line},
                                          {"in_list", position_.in_list ? 1 : 0},
                                          {"mark", MarkBefore(options_.file, position_.offset)},
                                          {"stored", counts_.stored},
                                          {"skipped", counts_.skipped},
                                          {"refused", counts_.refused}});
  if (!saved.ok()) {
    saves_ = false;
    meter_.Say("warning: --resume will not be possible: " + saved.error().detail);
  }
}

Progress Importer::Done() const {
  Progress progress;
  progress.items = counts_.All();
  progress.items_before = counts_before_.All();
  progress.done = position_.offset;
  progress.done_before = begun_at_.offset;
  progress.total = options_.bytes_total;
  progress.failed = counts_.refused;
  return progress;
}

void Importer::Refuse(const std::string& place, const std::string& reason) {
  ++counts_.refused;
  if (reported_ == kReportedMax) {
    meter_.Say("(more refused entries are only counted)");
  }
  if (reported_++ < kReportedMax) {
    const bool is_line = place.starts_with("line ");
    const std::string name = is_file_ ? options_.file : "standard input";
    meter_.Say(name + ":" + (is_line ? place.substr(5) : " " + place) + ": " + reason);
  }
}

// Reads until the batch is full.
base::Status Importer::TakeBatch(EntrySource& source, std::vector<Pending>& batch, bool& at_end) {
  std::size_t bytes = 0;
  std::uint64_t values = 0;
  batch.clear();
  // Refused entries make no batch, but the place behind them is to be saved now and then.
  for (std::size_t seen = 0; seen < kBatchEntries; ++seen) {
    if (!ahead_.has_value()) {
      before_ahead_ = source.position();
      auto next = source.Next();
      if (!next.ok()) {  // All before this place is counted.
        position_ = before_ahead_;
        is_unreadable_ = true;
        return next.error();
      }
      auto& item = next.value();
      if (!item.has_value()) {
        at_end = true;
        break;
      }
      const auto measured =
          item->bad.has_value() ? base::Result<std::uint64_t>(*item->bad) : Measure(item->entry);
      if (!measured.ok()) {
        Refuse(item->place, measured.error().detail);
        continue;
      }
      ahead_ = Pending{std::move(item->place), std::move(item->entry), measured.value()};
    }
    const bool fits =
        bytes + ahead_->entry.size() <= kBatchBytes && values + ahead_->values <= kBatchValues;
    if (!batch.empty() && !fits) {
      position_ = before_ahead_;
      return base::Ok{};
    }
    bytes += ahead_->entry.size();
    values += ahead_->values;
    batch.push_back(*std::exchange(ahead_, std::nullopt));
  }
  position_ = source.position();
  return base::Ok{};
}

base::Result<Value> Importer::Ask(const std::vector<Pending>& batch) {
  base::Buffer params;
  wire::Writer writer(params);
  writer.Array(2);
  writer.Array(batch.size());
  for (const Pending& pending : batch) {
    writer.Raw(pending.entry);
  }
  Value::Map named{{"replace", options_.replace}, {"keep_expiry", options_.keep_expiry}};
  if (!options_.type.empty()) {
    named.emplace_back("default_type", options_.type);
  }
  writer.Write(Value(std::move(named)));
  CallOptions call;
  call.retry = Retry::kAlways;  // The server skips what it has.
  call.cancel = options_.interrupted;
  for (int tries = 1;; ++tries) {
    auto reply = client_.CallRaw("CACHE.IMPORT", params.view(), call);
    if (reply.ok()) {
      return wire::Decode(reply.value());
    }
    if (reply.error().code != Code::kBusy || tries == kBusyTries || Interrupted()) {
      return reply.error();
    }
    poll(nullptr, 0, kBusyWaitMs);
  }
}

base::Status Importer::Count(const std::vector<Pending>& batch, const Value& reply) {
  counts_.stored += CountIn(reply, "stored");
  counts_.skipped += CountIn(reply, "skipped");
  const Value* refused = reply.Find("refused");
  if (refused == nullptr || refused->AsArray() == nullptr) {
    return Error{Code::kCorrupt, "the reply to CACHE.IMPORT cannot be understood"};
  }
  for (const Value& refusal : *refused->AsArray()) {
    const std::uint64_t index = CountIn(refusal, "index");
    if (index >= batch.size()) {
      return Error{Code::kCorrupt, "the reply to CACHE.IMPORT cannot be understood"};
    }
    Refuse(batch[static_cast<std::size_t>(index)].place, TextIn(refusal, "reason"));
  }
  return base::Ok{};
}

// What is too large for the server goes in halves, and alone is refused.
base::Status Importer::Send(const std::vector<Pending>& batch) {
  if (batch.empty()) {
    return base::Ok{};
  }
  const auto reply = Ask(batch);
  if (reply.ok()) {
    return Count(batch, reply.value());
  }
  if (reply.error().code != Code::kTooLarge) {
    return reply.error();
  }
  if (batch.size() == 1) {
    Refuse(batch.front().place, reply.error().detail);
    return base::Ok{};
  }
  const auto middle = batch.begin() + static_cast<std::ptrdiff_t>(batch.size() / 2);
  RETURN_IF_ERROR(Send({batch.begin(), middle}));
  return Send({middle, batch.end()});
}

base::Status Importer::Run(std::istream& input) {
  Value::Map defaults;
  if (!options_.type.empty()) {
    defaults.emplace_back("type", options_.type);
  }
  if (!options_.identity.IsNil()) {
    defaults.emplace_back("identity", options_.identity);
  }
  const auto source = OpenSource(options_.format, input, position_, std::move(defaults));
  std::vector<Pending> batch;
  bool at_end = false;
  while (!at_end) {
    const base::Status read = TakeBatch(*source, batch, at_end);
    RETURN_IF_ERROR(Send(batch));
    Save();
    if (!read.ok()) {
      return Error{read.error().code,
                   (is_file_ ? options_.file : "standard input") + ": " + read.error().detail};
    }
    meter_.Show(Done());
    if (!at_end && Interrupted()) {
      return Error{Code::kTimeout, "interrupted"};
    }
  }
  if (is_file_) {
    state_.Remove();
  }
  meter_.End(Done());
  return base::Ok{};
}

std::string Importer::Summary() const {
  const std::int64_t elapsed_ms = std::max<std::int64_t>(meter_.ElapsedMs(), 1);
  const auto now = static_cast<double>(counts_.All() - counts_before_.All());
  return "stored " + WithCommas(counts_.stored) + " of " + WithCommas(counts_.All()) +
         " entries in " + ShortTime(elapsed_ms) + " (" +
         ShortCount(now * 1000 / static_cast<double>(elapsed_ms)) + "/s), " +
         WithCommas(counts_.skipped) + " skipped, " + WithCommas(counts_.refused) + " refused";
}

Stop Importer::StopFor(const Error& error) const {
  const bool interrupted = Interrupted();
  const bool is_local = is_unreadable_ && !interrupted;
  std::string advice =
      is_local ? "mend the file there and go on with --resume" : "go on with --resume";
  return {error, is_local, interrupted, Summary(), is_file_ ? std::move(advice) : std::string()};
}

}  // namespace

ExitCode Import(Client& client, std::istream& input, const ImportOptions& options,
                std::ostream& out, std::ostream& report) {
  Importer importer(client, options, report);
  if (const auto begun = importer.Begin(input); !begun.ok()) {
    report << "error: " << begun.error().detail << std::endl;
    return ExitCode::kUsage;
  }
  const base::Status done = importer.Run(input);
  if (done.ok()) {
    out << importer.Summary() << std::endl;
    return importer.counts().refused == 0 ? ExitCode::kOk : ExitCode::kServerError;
  }
  return ReportStop(importer.StopFor(done.error()), report);
}

}  // namespace reprise::client
