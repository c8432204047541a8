#include "client/cli/export.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <ostream>
#include <utility>

#include "client/cli/format.h"
#include "client/cli/numbers.h"
#include "client/cli/port_end.h"
#include "client/cli/port_state.h"
#include "client/cli/progress.h"
#include "protocol/base/buffer.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Error;
using base::Value;

// The entry without its id, which another server would not keep.
base::Result<std::string> WithoutId(std::string_view entry) {
  wire::Reader reader(entry);
  ASSIGN_OR_RETURN(const std::uint32_t pairs, reader.Map());
  base::Buffer kept;
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const std::string_view before = reader.Rest();
    ASSIGN_OR_RETURN(const std::string_view name, reader.Str());
    RETURN_IF_ERROR(reader.Raw());
    if (name != "id") {
      kept.Append(before.substr(0, before.size() - reader.Rest().size()));
      ++count;
    }
  }
  base::Buffer whole;
  wire::Writer writer(whole);
  writer.Map(count);
  writer.Raw(kept.view());
  return std::string(whole.view());
}

struct Page {
  std::string bytes;  // of the file
  std::uint64_t entries = 0;
  std::string next;  // empty: this is the last
};

base::Result<Page> ReadPage(std::string_view reply, FileFormat format) {
  Page page;
  wire::Reader reader(reply);
  ASSIGN_OR_RETURN(const std::uint32_t pairs, reader.Map());
  for (std::uint32_t i = 0; i < pairs; ++i) {
    ASSIGN_OR_RETURN(const std::string_view name, reader.Str());
    if (name != "entries") {
      ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
      ASSIGN_OR_RETURN(const std::string_view value, reader.Raw());
      if (name == "next" && kind != wire::Kind::kNil) {
        ASSIGN_OR_RETURN(page.next, wire::Reader(value).Str());
      }
      continue;
    }
    ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
    for (std::uint32_t j = 0; j < count; ++j) {
      ASSIGN_OR_RETURN(const std::string_view raw, reader.Raw());
      ASSIGN_OR_RETURN(const std::string entry, WithoutId(raw));
      if (format == FileFormat::kMessagePack) {
        page.bytes += entry;
      } else {
        ASSIGN_OR_RETURN(const Value value, wire::Decode(entry));
        page.bytes += wire::ToExactJson(value) + "\n";
      }
    }
    page.entries += count;
  }
  return page;
}

// One export, from its first page (or where an earlier one stopped) to its last.
class Exporter {
 public:
  Exporter(Client& client, const ExportOptions& options, std::ostream& report)
      : client_(client),
        options_(options),
        to_output_(options.file == "-"),
        partial_(to_output_ ? options.file : options.file + ".partial"),
        state_(options.file + ".export-state"),
        meter_(report, options.on_terminal, "entries") {}

  // Finds out where to begin. Errors: kBadRequest, kCorrupt, kIo: nothing was asked for yet.
  base::Status Begin();
  base::Status Run();
  std::string Summary() const;
  // Of a Run that has failed.
  Stop StopFor(const Error& error) const;

 private:
  bool Interrupted() const {
    return options_.interrupted != nullptr && options_.interrupted->load();
  }
  base::Result<Page> Ask();
  base::Status Save() const;
  Progress Done() const;

  Client& client_;
  const ExportOptions& options_;
  const bool to_output_;
  const std::string partial_;
  const PortState state_;
  Meter meter_;
  std::string cursor_;
  std::uint64_t bytes_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t entries_before_ = 0;
  std::uint64_t total_ = 0;  // 0: not known
  bool is_asking_ = false;   // what fails now is the server's
  bool has_asked_ = false;   // there is something to go on with
};

base::Status Exporter::Begin() {
  if (!options_.resume) {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const auto state, state_.Load());
  if (!state.has_value()) {
    meter_.Say("nothing to resume (no " + state_.path() + "): from the beginning");
    return base::Ok{};
  }
  const bool is_same = TextIn(*state, "format") == NameOf(options_.format) &&
                       TextIn(*state, "type") == options_.type &&
                       TextIn(*state, "tag") == options_.tag;
  if (!is_same) {
    return Error{Code::kBadRequest,
                 "the export that is to be resumed had another --format, --type "
                 "or --tag (" +
                     state_.path() + ")"};
  }
  cursor_ = TextIn(*state, "cursor");
  bytes_ = CountIn(*state, "bytes");
  entries_ = entries_before_ = CountIn(*state, "entries");
  return base::Ok{};
}

base::Status Exporter::Save() const {
  if (to_output_) {
    return base::Ok{};
  }
  return state_.Save({{"format", NameOf(options_.format)},
                      {"type", options_.type},
                      {"tag", options_.tag},
                      {"cursor", cursor_},
                      {"bytes", bytes_},
                      {"entries", entries_}});
}

Progress Exporter::Done() const {
  Progress progress;
  progress.items = progress.done = entries_;
  progress.items_before = progress.done_before = entries_before_;
  progress.total = total_;
  return progress;
}

base::Result<Page> Exporter::Ask() {
  constexpr int kEntriesAtOnce = 1000;
  Value::Map named{{"limit", kEntriesAtOnce}};
  const std::array<std::pair<const char*, const std::string*>, 3> texts{
      {{"after", &cursor_}, {"type", &options_.type}, {"tag", &options_.tag}}};
  for (const auto& [name, text] : texts) {
    if (!text->empty()) {
      named.emplace_back(name, *text);
    }
  }
  CallOptions call;
  call.cancel = options_.interrupted;
  ASSIGN_OR_RETURN(const std::string reply,
                   client_.CallRaw("CACHE.EXPORT", wire::Encode(Value::Array{named}), call));
  return ReadPage(reply, options_.format);
}

base::Status Exporter::Run() {
  if (options_.type.empty() && options_.tag.empty()) {
    if (const auto stats = client_.Call("CACHE.STATS"); stats.ok()) {
      total_ = CountIn(stats.value(), "entries");
    }
  }
  ASSIGN_OR_RETURN(OutputFile file, OutputFile::Open(partial_, bytes_));
  while (true) {
    is_asking_ = true;
    has_asked_ = true;
    ASSIGN_OR_RETURN(Page page, Ask());
    is_asking_ = false;
    RETURN_IF_ERROR(file.Write(page.bytes));
    bytes_ += page.bytes.size();
    entries_ += page.entries;
    if (page.next.empty()) {
      break;
    }
    cursor_ = std::move(page.next);
    RETURN_IF_ERROR(Save());
    meter_.Show(Done());
    if (Interrupted()) {
      return Error{Code::kTimeout, "interrupted"};
    }
  }
  RETURN_IF_ERROR(file.Sync());
  if (!to_output_) {
    if (std::rename(partial_.c_str(), options_.file.c_str()) != 0) {
      return SystemError("cannot rename " + partial_);
    }
    state_.Remove();
  }
  total_ = entries_;
  meter_.End(Done());
  return base::Ok{};
}

std::string Exporter::Summary() const {
  const auto elapsed = static_cast<double>(std::max<std::int64_t>(meter_.ElapsedMs(), 1));
  return "exported " + WithCommas(entries_) + " entries (" + ShortBytes(bytes_) + ") to " +
         (to_output_ ? "standard output" : options_.file) + " in " + ShortTime(meter_.ElapsedMs()) +
         " (" + ShortCount(static_cast<double>(entries_ - entries_before_) * 1000 / elapsed) +
         "/s)";
}

Stop Exporter::StopFor(const Error& error) const {
  const bool can_go_on = !to_output_ && has_asked_;
  return {error, !is_asking_, Interrupted(), Summary(), can_go_on ? "go on with --resume" : ""};
}

}  // namespace

ExitCode Export(Client& client, const ExportOptions& options, std::ostream& out,
                std::ostream& report) {
  Exporter exporter(client, options, report);
  if (const auto begun = exporter.Begin(); !begun.ok()) {
    report << "error: " << begun.error().detail << std::endl;
    return ExitCode::kUsage;
  }
  const base::Status done = exporter.Run();
  if (done.ok()) {
    (options.file == "-" ? report : out) << exporter.Summary() << std::endl;
    return ExitCode::kOk;
  }
  return ReportStop(exporter.StopFor(done.error()), report);
}

}  // namespace reprise::client
