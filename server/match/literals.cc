// Owns the shapes of addresses, paths, file names and code.
#include "server/match/literals.h"

#include <algorithm>
#include <array>
#include <string>

namespace reprise::match {
namespace {

bool IsLetter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}
bool IsDigit(char byte) {
  return byte >= '0' && byte <= '9';
}
bool IsAlnum(char byte) {
  return IsLetter(byte) || IsDigit(byte);
}

template <std::size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

constexpr auto kDomains = std::to_array<std::string_view>(
    {"com", "org", "net", "io", "dev", "gov", "edu", "info", "app", "ai", "eu", "uk", "de", "fr"});
constexpr auto kFileEndings = std::to_array<std::string_view>(
    {"py",   "js",   "ts",   "jsx", "tsx", "cpp",  "cc",   "hpp", "java", "txt",  "csv",
     "json", "yaml", "yml",  "xml", "css", "md",   "html", "pdf", "docx", "xlsx", "png",
     "jpg",  "jpeg", "gif",  "mp3", "mp4", "zip",  "tar",  "gz",  "exe",  "dll",  "log",
     "ini",  "toml", "conf", "sh",  "bat", "sql",  "db",   "php", "rb",   "go",   "rs",
     "deb",  "rpm",  "iso",  "svg", "env", "lock", "ipynb"});
constexpr auto kScripts =
    std::to_array<std::string_view>({"node", "vue", "next", "react", "express", "three", "d3",
                                     "chart", "nuxt", "ember", "backbone"});
constexpr auto kObjects = std::to_array<std::string_view>(
    {"os",    "np",   "pd",      "df",   "self",     "this",   "time",    "str",
     "list",  "dict", "console", "json", "math",     "random", "sys",     "plt",
     "torch", "tf",   "std",     "re",   "document", "window", "asyncio", "datetime"});
constexpr auto kCodeMarks = std::to_array<std::string_view>(
    {"()", "::", "->", "==", "!=", ">=", "<=", "=>", "[]", "{}", "${", "&&", "||", "+=", "</"});

bool HasDomain(std::string_view run) {
  const std::size_t slash = std::min(run.find('/'), run.size());
  const std::string_view host = run.substr(0, slash);
  const std::size_t dot = host.rfind('.');
  return dot != std::string_view::npos && dot > 0 && IsAlnum(host[dot - 1]) && !IsDigit(host[0]) &&
         IsOneOf(host.substr(dot + 1), kDomains);
}

bool IsPath(std::string_view run) {
  if (run.size() < 3) {
    return false;
  }
  const bool rooted = run[0] == '/' && IsAlnum(run[1]);
  const bool relative = run.starts_with("./") || run.starts_with("../") || run.starts_with("~/");
  const bool drive = IsLetter(run[0]) && run[1] == ':' && run[2] == '\\';
  return rooted || relative || drive;
}

bool IsUrl(std::string_view run) {
  const std::size_t at = run.find('@');
  const bool mail =
      at != std::string_view::npos && at > 0 && run.find('.', at) != std::string_view::npos;
  return mail || run.find("://") != std::string_view::npos || run.starts_with("www.") ||
         HasDomain(run) || IsPath(run);
}

bool IsFile(std::string_view run) {
  const std::size_t dot = run.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || !IsAlnum(run[dot - 1])) {
    return false;
  }
  std::string front(run.substr(0, dot));
  std::transform(front.begin(), front.end(), front.begin(),
                 [](char byte) { return IsLetter(byte) ? static_cast<char>(byte | 0x20) : byte; });
  return IsOneOf(run.substr(dot + 1), kFileEndings) && !IsOneOf(std::string_view(front), kScripts);
}

bool IsFlag(std::string_view run) {
  if (run.size() > 3 && run.starts_with("--") && IsLetter(run[2])) {
    return true;
  }
  return run.size() == 2 && run[0] == '-' && IsLetter(run[1]);
}

// "site:arxiv.org", "tag:release": what search boxes take.
bool IsOperator(std::string_view run) {
  const std::size_t colon = run.find(':');
  return colon != std::string_view::npos && colon > 1 && colon + 1 < run.size() &&
         std::all_of(run.begin(), run.begin() + static_cast<std::ptrdiff_t>(colon), IsLetter) &&
         (IsLetter(run[colon + 1]) || run.find('-', colon) != std::string_view::npos);
}

bool IsDotted(std::string_view run) {
  const std::size_t dot = run.find('.');
  return dot != std::string_view::npos && dot + 1 < run.size() && IsLetter(run[dot + 1]) &&
         IsOneOf(run.substr(0, dot), kObjects);
}

bool IsSnake(std::string_view run) {
  for (std::size_t i = 1; i + 1 < run.size(); ++i) {
    if (run[i] == '_' && (IsAlnum(run[i - 1]) || run[i - 1] == '_') &&
        (IsAlnum(run[i + 1]) || run[i + 1] == '_')) {
      return true;
    }
  }
  return false;
}

bool IsCode(std::string_view run) {
  const bool marked = std::any_of(kCodeMarks.begin(), kCodeMarks.end(), [&](std::string_view mark) {
    return run.size() > mark.size() && run.find(mark) != std::string_view::npos;
  });
  return marked || IsFile(run) || IsFlag(run) || IsOperator(run) || IsDotted(run) || IsSnake(run);
}

}  // namespace

Literal LiteralOf(std::string_view run) {
  if (run.size() < 2) {
    return Literal::kNone;
  }
  if (std::all_of(run.begin(), run.end(),
                  [](char byte) { return IsLetter(byte) || byte == '\''; })) {
    return Literal::kNone;
  }
  if (IsUrl(run)) {
    return Literal::kUrl;
  }
  return IsCode(run) ? Literal::kCode : Literal::kNone;
}

}  // namespace reprise::match
