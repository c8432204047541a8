#include "client/cli/prompt.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <histedit.h>
#include <iostream>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/completion.h"

namespace reprise::client {
namespace {

constexpr int kHistoryLines = 1000;

class Prompt {
 public:
  Prompt(Shell& shell, std::string address)
      : shell_(shell),
        address_(std::move(address)),
        history_(history_init(), &history_end),
        editor_(el_init("reprise-cli", stdin, stdout, stderr), &el_end) {
    HistEvent event{};
    history(history_.get(), &event, H_SETSIZE, kHistoryLines);
    history(history_.get(), &event, H_SETUNIQUE, 1);
    el_set(editor_.get(), EL_CLIENTDATA, this);
    el_set(editor_.get(), EL_PROMPT, &Prompt::Text);
    el_set(editor_.get(), EL_EDITOR, "emacs");
    el_set(editor_.get(), EL_SIGNAL, 1);
    el_set(editor_.get(), EL_HIST, history, history_.get());
    el_set(editor_.get(), EL_ADDFN, "reprise-complete", "complete a command or option",
           &Prompt::OnTab);
    el_set(editor_.get(), EL_BIND, "^I", "reprise-complete", nullptr);
    el_set(editor_.get(), EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_source(editor_.get(), nullptr);  // ~/.editrc, where people keep their own keys
    LoadHistory();
  }

  // False at the end of the input.
  bool Read(std::string& line) {
    int count = 0;
    const char* text = el_gets(editor_.get(), &count);
    if (text == nullptr || count <= 0) {
      return false;
    }
    line.assign(text, static_cast<std::size_t>(count));
    return true;
  }

  void Remember(const std::string& line) {
    if (MayRemember(line)) {
      HistEvent event{};
      history(history_.get(), &event, H_ENTER, line.c_str());
      SaveHistory();
    }
  }

  void SetContinued(bool continued) { continued_ = continued; }
  void Reset() { el_reset(editor_.get()); }

 private:
  static Prompt& Of(EditLine* editor) {
    void* prompt = nullptr;
    el_get(editor, EL_CLIENTDATA, &prompt);
    return *static_cast<Prompt*>(prompt);
  }

  static char* Text(EditLine* editor) {
    Prompt& prompt = Of(editor);
    prompt.text_ =
        prompt.continued_ ? "... " : PromptText(prompt.address_, prompt.shell_.name_space());
    return prompt.text_.data();
  }

  static unsigned char OnTab(EditLine* editor, int /*key*/) {
    const LineInfo* info = el_line(editor);
    const std::string_view line(info->buffer,
                                static_cast<std::size_t>(info->cursor - info->buffer));
    const Completion completion = Complete(line, Of(editor).shell_.rows());
    const std::string_view typed = line.substr(completion.start);
    const std::string common = CommonPrefix(completion.candidates);
    const bool is_single = completion.candidates.size() == 1;
    if (is_single || common.size() > typed.size()) {
      const bool wants_space = is_single && !common.ends_with('=');
      el_deletestr(editor, static_cast<int>(typed.size()));
      el_insertstr(editor, (common + (wants_space ? " " : "")).c_str());
      return CC_REFRESH;
    }
    if (completion.candidates.empty() && completion.usage.empty()) {
      return CC_ERROR;
    }
    std::cout << "\n" << completion.usage << (completion.usage.empty() ? "" : "\n");
    for (const std::string& candidate : completion.candidates) {
      std::cout << candidate << "  ";
    }
    std::cout << (completion.candidates.empty() ? "" : "\n") << std::flush;
    return CC_REDISPLAY;
  }

  static std::string HistoryFile() {
    const char* home = std::getenv("HOME");
    return home == nullptr ? "" : std::string(home) + "/.reprise_history";
  }

  void LoadHistory() {
    HistEvent event{};
    if (const std::string path = HistoryFile(); !path.empty()) {
      history(history_.get(), &event, H_LOAD, path.c_str());
    }
  }

  // The file is made with its mode first: values that were typed are nobody else's business.
  void SaveHistory() {
    const std::string path = HistoryFile();
    if (path.empty()) {
      return;
    }
    const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
      return;
    }
    fchmod(descriptor, 0600);
    close(descriptor);
    HistEvent event{};
    history(history_.get(), &event, H_SAVE, path.c_str());
  }

  Shell& shell_;
  std::string address_;
  std::string text_;
  bool continued_ = false;
  std::unique_ptr<History, decltype(&history_end)> history_;
  std::unique_ptr<EditLine, decltype(&el_end)> editor_;
};

}  // namespace

bool MayRemember(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return false;
  }
  // Anywhere, not only in front: a mistyped line holds the access key all the same.
  return ToUpper(line).find("AUTH") == std::string::npos;
}

std::string PromptText(const std::string& address, const std::string& name_space) {
  return address + (name_space.empty() ? "" : " " + name_space) + "> ";
}

ExitCode RunPrompt(Shell& shell, const std::string& address, std::atomic<bool>& interrupted) {
  shell.LearnNamespace();
  Prompt prompt(shell, address);
  std::string text;
  ExitCode code = ExitCode::kOk;
  while (!shell.quit()) {
    std::string line;
    interrupted = false;
    prompt.SetContinued(!text.empty());
    if (!prompt.Read(line)) {
      if (!interrupted) {
        std::cout << "\n";
        break;
      }
      text.clear();
      std::cout << "^C" << std::endl;
      prompt.Reset();
      continue;
    }
    text += line;
    if (IsOpen(text)) {
      continue;
    }
    prompt.Remember(text);
    interrupted = false;
    code = shell.RunLine(std::exchange(text, {}));
  }
  // Leaving is no failure, but a session that never reached its server is.
  return code == ExitCode::kNoConnection ? code : ExitCode::kOk;
}

}  // namespace reprise::client
