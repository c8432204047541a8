// The head of an HTTP request: found in a stream of bytes, checked, read. Stricter than HTTP has to
// be: this port talks to Prometheus, curl and orchestrators, and to nothing in between that could
// read a request in another way than we do.
//
// Threads: none of its own. Errors: a status and a sentence. Complexity: linear. Lifetime: a
// Request owns its strings. Limits: the caller's.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace reprise::http {

// Looks at each byte once, however the bytes are cut.
class HeadScanner {
 public:
  enum class Outcome { kIncomplete, kComplete, kMalformed };

  // Goes on where the last call stopped; `bytes` begins with the first byte of the head and grows
  // between calls. kMalformed as soon as a byte says so: a head that does not begin with a capital
  // letter, a line end other than CR LF, a control character, a folded line.
  Outcome Scan(std::string_view bytes);
  // Of a complete head, with the empty line.
  std::size_t size() const { return at_; }
  void Restart() { *this = HeadScanner(); }

 private:
  bool Accept(unsigned char byte);

  std::size_t at_ = 0;
  std::size_t line_bytes_ = 0;  // in the line so far, CR included
  bool after_return_ = false;
  bool complete_ = false;
};

enum class Method { kGet, kHead, kOther };

struct Request {
  int status = 0;  // not 0: refuse with it and `why`, then close
  std::string_view why;
  Method method = Method::kOther;
  std::string path;  // without the query
  std::string host;  // the Host header
  bool keep_alive = false;
  bool has_body = false;
};

// `head` is one complete head as HeadScanner found it.
Request ReadHead(std::string_view head);

// Whether `host` (a Host header) names this machine's loopback or one of `allowed`, with any port.
bool IsHostAllowed(std::string_view host, std::span<const std::string> allowed);

}  // namespace reprise::http
