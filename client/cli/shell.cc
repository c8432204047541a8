#include "client/cli/shell.h"

#include <istream>
#include <ostream>

#include "client/cli/request.h"

namespace reprise::client {

Shell::Shell(Client& client, ShellOptions options, std::ostream& out, std::ostream& errors)
    : client_(client),
      options_(options),
      out_(out),
      errors_(errors),
      rows_(Rows::BuiltIn()),
      asked_for_rows_(!rows_.empty()) {}

const Rows& Shell::rows() {
  CallReport unused;
  [[maybe_unused]] const auto status = LearnRows(unused);
  return rows_;
}

// An error when the server could not be asked; one that does not know the command has no rows.
base::Status Shell::LearnRows(CallReport& report) {
  if (asked_for_rows_) {
    return base::Ok{};
  }
  const auto docs =
      client_.Call("COMMAND.DOCS", {}, {.cancel = options_.interrupted, .report = &report});
  if (!docs.ok() && !report.answered) {
    return docs.error();
  }
  asked_for_rows_ = true;
  rows_ = docs.ok() ? Rows(docs.value()) : Rows();
  return base::Ok{};
}

ExitCode Shell::Fail(const base::Error& error, const CallReport& report) {
  errors_ << FormatError(error) << std::endl;
  if (report.answered) {
    return ExitCode::kServerError;
  }
  return report.timed_out ? ExitCode::kTimeout : CodeOfUnanswered(error);
}

void Shell::Remember(const std::string& method, const base::Value& reply) {
  const base::Value* name_space = reply.Find("namespace");
  if ((method == "AUTH" || method == "HELLO") && name_space != nullptr) {
    name_space_ = name_space->AsText().value_or("");
  }
  quit_ = quit_ || method == "QUIT";
}

void Shell::LearnNamespace() {
  if (const auto reply = client_.Call("HELLO"); reply.ok()) {
    Remember("HELLO", reply.value());
  }
}

ExitCode Shell::Run(const std::vector<Word>& words) {
  CallReport report;
  if (const auto status = LearnRows(report); !status.ok()) {
    return Fail(status.error(), report);
  }
  const auto request = MakeRequest(words, rows_, options_.json_args);
  if (!request.ok()) {
    errors_ << "error: " << request.error().detail << std::endl;
    return ExitCode::kUsage;
  }
  const auto reply = client_.Call(request.value().method, request.value().params,
                                  {.cancel = options_.interrupted, .report = &report});
  if (!reply.ok()) {
    const ExitCode code = Fail(reply.error(), report);
    const std::string nearest = rows_.Nearest(request.value().method);
    const bool is_said = reply.error().detail.find("did you mean") != std::string::npos;
    if (reply.error().code == base::Code::kUnknownCommand && !nearest.empty() && !is_said) {
      errors_ << "did you mean " << nearest << "?" << std::endl;
    }
    return code;
  }
  Remember(request.value().method, reply.value());
  out_ << FormatReply(reply.value(), options_.style, options_.on_terminal) << std::endl;
  return ExitCode::kOk;
}

ExitCode Shell::Help(const std::vector<Word>& words) {
  if (words.size() == 1) {
    out_ << HelpIndex(rows())
         << "\nhelp COMMAND shows one, help FAMILY a family. TAB completes; :json switches JSON "
            "replies; :quit leaves."
         << std::endl;
    return ExitCode::kOk;
  }
  std::string name = words[1].text;
  if (words.size() > 2 && rows().Find(name) == nullptr) {
    name += "." + words[2].text;
  }
  const CommandRow* row = rows().Find(name);
  if (row != nullptr) {
    out_ << HelpText(*row) << std::flush;
    return ExitCode::kOk;
  }
  if (const std::string family = HelpIndex(rows(), words[1].text);
      words.size() == 2 && !family.empty()) {
    out_ << family << std::flush;
    return ExitCode::kOk;
  }
  const std::string nearest = rows().Nearest(name);
  errors_ << "error: no command or family is called '" << name << "'"
          << (nearest.empty() ? "" : "; did you mean " + nearest + "?") << std::endl;
  return ExitCode::kUsage;
}

ExitCode Shell::RunLine(std::string_view line) {
  const auto words = SplitWords(line);
  if (!words.ok()) {
    errors_ << "error: " << words.error().detail << std::endl;
    return ExitCode::kUsage;
  }
  if (words.value().empty()) {
    return ExitCode::kOk;
  }
  const std::string first = ToUpper(words.value()[0].text);
  if (first == ":QUIT" || first == "EXIT") {
    quit_ = true;
    return ExitCode::kOk;
  }
  if (first == ":JSON") {
    options_.style = options_.style == Style::kJson ? Style::kReadable : Style::kJson;
    out_ << "replies are " << (options_.style == Style::kJson ? "JSON" : "readable text")
         << std::endl;
    return ExitCode::kOk;
  }
  if (first == "HELP") {
    return Help(words.value());
  }
  return Run(words.value());
}

ExitCode Shell::RunAll(std::istream& input) {
  ExitCode first_failure = ExitCode::kOk;
  std::string line;
  std::string text;
  while (!quit_ && std::getline(input, line)) {
    text += (text.empty() ? "" : "\n") + line;
    if (IsOpen(text)) {
      continue;
    }
    const ExitCode code = RunLine(std::exchange(text, {}));
    first_failure = first_failure == ExitCode::kOk ? code : first_failure;
    if (code == ExitCode::kNoConnection) {
      return first_failure;
    }
  }
  if (!text.empty() && !quit_) {
    const ExitCode code = RunLine(text);  // Says what is not closed.
    first_failure = first_failure == ExitCode::kOk ? code : first_failure;
  }
  return first_failure;
}

}  // namespace reprise::client
