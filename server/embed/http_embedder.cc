#include "server/embed/http_embedder.h"

#include <algorithm>
#include <cstdlib>
#include <curl/curl.h>
#include <deque>
#include <list>
#include <optional>
#include <utility>
#include <vector>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "protocol/base/ensure.h"
#include "protocol/base/mutex.h"
#include "server/embed/embeddings_json.h"
#include "server/text/normalize.h"

namespace reprise::embed {
namespace {

using base::Code;
using base::Error;
using base::Nanos;
using base::Ok;
using base::Result;
using base::Status;

constexpr int kPollMsMax = 1'000;

struct Item {
  std::string text;
  HttpEmbedder::Done done;  // empty: called already
  Nanos deadline{0};

  void Finish(Result<Vector> result) {
    if (done) {
      std::exchange(done, nullptr)(std::move(result));
    }
  }
};

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One POST.
struct Request {
  std::vector<Item> items;
  std::string body;
  std::string answer;
  std::size_t answer_bytes_max = 0;
  std::unique_ptr<CURL, EasyDeleter> easy;
};

std::size_t TakeAnswer(char* bytes, std::size_t /*one*/, std::size_t count, void* context) {
  auto& request = *static_cast<Request*>(context);
  if (request.answer.size() + count > request.answer_bytes_max) {
    return 0;  // ends the transfer
  }
  request.answer.append(bytes, count);
  return count;
}

std::string FingerprintOf(const HttpEmbedderOptions& options) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::string what = options.url + '\n' + options.model;
  const XXH128_hash_t hash = XXH3_128bits(what.data(), what.size());
  std::string fingerprint = "http/" + std::to_string(options.width) + "/";
  for (std::uint64_t half : {hash.high64, hash.low64}) {
    for (int i = 0; i < 16; ++i) {
      fingerprint += kDigits[half >> 60U];
      half <<= 4U;
    }
  }
  return fingerprint;
}

Status CheckOptions(const HttpEmbedderOptions& options) {
  const auto refuse = [](std::string_view what) {
    return Error{Code::kBadRequest, "embeddings endpoint: " + std::string(what)};
  };
  if (options.url.rfind("http://", 0) != 0 && options.url.rfind("https://", 0) != 0) {
    return refuse("the URL does not begin with http:// or https://");
  }
  if (options.model.empty() || !text::CheckUtf8(options.model).ok()) {
    return refuse("a model must be named");
  }
  if (options.width == 0 || options.deadline_ms <= 0 || options.texts_per_request_max == 0 ||
      options.requests_max == 0 || options.queue_max == 0 || options.answer_bytes_max == 0) {
    return refuse("width, deadline and limits are above 0");
  }
  return Ok{};
}

// The value of an Authorization header; empty without a key.
Result<std::string> ReadKey(const std::string& variable) {
  if (variable.empty()) {
    return std::string();
  }
  const char* key = std::getenv(variable.c_str());
  if (key == nullptr || *key == '\0') {
    return Error{Code::kBadRequest, "embeddings endpoint: " + variable + " is not set"};
  }
  if (std::string_view(key).find_first_of("\r\n") != std::string_view::npos) {
    return Error{Code::kBadRequest, "embeddings endpoint: " + variable + " has a line break"};
  }
  return "Authorization: Bearer " + std::string(key);
}

// What went wrong with the transfer or its status; absent when there is an answer to read.
std::optional<Error> FailureOf(const Request& request, CURLcode code) {
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return Error{Code::kTimeout, "embeddings endpoint: no answer in time"};
  }
  if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED) {
    return Error{Code::kUnavailable, "embeddings endpoint: its answer is too large"};
  }
  if (code != CURLE_OK) {
    return Error{Code::kUnavailable,
                 std::string("embeddings endpoint: ") + curl_easy_strerror(code)};
  }
  long status = 0;
  curl_easy_getinfo(request.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) {
    return std::nullopt;
  }
  // These are about the texts, not about the endpoint.
  const bool is_about_text = status == 400 || status == 413 || status == 422;
  return Error{is_about_text ? Code::kBadRequest : Code::kUnavailable,
               "embeddings endpoint: status " + std::to_string(status)};
}

}  // namespace

// All that the thread owns. `mutex_` guards what Submit shares with it.
class HttpEmbedder::Worker {
 public:
  Worker(const HttpEmbedderOptions& options, const base::Clock& clock, const std::string& key)
      : options_(options), clock_(clock), breaker_(options.breaker), multi_(curl_multi_init()) {
    ENSURE(multi_ != nullptr);
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(options.requests_max));
    AddHeader("Content-Type: application/json");
    AddHeader("Expect:");
    if (!key.empty()) {
      AddHeader(key);
    }
  }

  Status Submit(std::string text, Done done) {
    {
      const base::MutexLock lock(mutex_);
      if (is_stopping_) {
        return Error{Code::kShuttingDown, "embeddings endpoint: the server is stopping"};
      }
      if (queue_.size() >= options_.queue_max) {
        return Error{Code::kBusy, "embeddings endpoint: " + std::to_string(options_.queue_max) +
                                      " texts are waiting"};
      }
      const Nanos now = clock_.Elapsed();
      if (!breaker_.MayAsk(now)) {
        ++stats_.refused;
        return Error{Code::kUnavailable, "embeddings endpoint: it failed and is left alone"};
      }
      queue_.push_back(
          {std::move(text), std::move(done), now + options_.deadline_ms * base::kNanosPerMilli});
    }
    curl_multi_wakeup(multi_.get());
    return Ok{};
  }

  void Stop() {
    {
      const base::MutexLock lock(mutex_);
      is_stopping_ = true;
    }
    curl_multi_wakeup(multi_.get());
  }

  Stats Read() const {
    const base::MutexLock lock(mutex_);
    Stats stats = stats_;
    stats.breaker = breaker_.state();
    return stats;
  }

  void Run() {
    while (StartRequests()) {
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg == CURLMSG_DONE) {
          Finish(message->easy_handle, message->data.result);
        }
      }
      Expire();
      curl_multi_poll(multi_.get(), nullptr, 0, PollMs(), nullptr);
    }
    Abandon();
  }

 private:
  using Requests = std::list<Request>;

  void AddHeader(const std::string& line) {
    headers_.reset(curl_slist_append(headers_.release(), line.c_str()));
    ENSURE(headers_ != nullptr);
  }

  // False when it is time to end.
  bool StartRequests() {
    while (true) {
      std::vector<Item> items;
      {
        const base::MutexLock lock(mutex_);
        if (is_stopping_) {
          return false;
        }
        if (queue_.empty() || requests_.size() >= options_.requests_max) {
          return true;
        }
        while (!queue_.empty() && items.size() < options_.texts_per_request_max) {
          items.push_back(std::move(queue_.front()));
          queue_.pop_front();
        }
        ++stats_.requests;
      }
      StartRequest(std::move(items));
    }
  }

  void StartRequest(std::vector<Item> items) {
    Request& request = requests_.emplace_back();
    request.items = std::move(items);
    request.answer_bytes_max = options_.answer_bytes_max;
    std::vector<std::string_view> texts;
    for (const Item& item : request.items) {
      texts.emplace_back(item.text);
    }
    request.body = EmbeddingsRequest(options_.model, texts);
    request.easy.reset(curl_easy_init());
    ENSURE(request.easy != nullptr);
    CURL* easy = request.easy.get();
    // The latest of the deadlines; earlier ones are seen to by Expire.
    const std::int64_t left_ns = request.items.back().deadline - clock_.Elapsed();
    const auto left_ms = static_cast<long>(
        std::max<std::int64_t>((left_ns + base::kNanosPerMilli - 1) / base::kNanosPerMilli, 1));
    curl_easy_setopt(easy, CURLOPT_URL, options_.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, options_.proxy.c_str());
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                     static_cast<curl_off_t>(options_.answer_bytes_max));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &TakeAnswer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &request);
    ENSURE(curl_multi_add_handle(multi_.get(), easy) == CURLM_OK);
  }

  void Finish(CURL* easy, CURLcode code) {
    const auto request = std::find_if(requests_.begin(), requests_.end(),
                                      [easy](const Request& r) { return r.easy.get() == easy; });
    ENSURE(request != requests_.end());
    std::optional<Error> failure = FailureOf(*request, code);
    std::vector<Vector> vectors;
    if (!failure.has_value()) {
      auto read = ReadEmbeddings(request->answer, {request->items.size(), options_.width});
      if (read.ok()) {
        vectors = std::move(read).value();
      } else {
        failure = std::move(read).error();
      }
    }
    Report(failure, request->items.size());
    for (std::size_t i = 0; i < request->items.size(); ++i) {
      if (failure.has_value()) {
        request->items[i].Finish(*failure);
      } else {
        request->items[i].Finish(std::move(vectors[i]));
      }
    }
    curl_multi_remove_handle(multi_.get(), easy);
    requests_.erase(request);
  }

  void Report(const std::optional<Error>& failure, std::size_t texts) {
    const base::MutexLock lock(mutex_);
    if (failure.has_value() && failure->code != Code::kBadRequest) {
      ++stats_.failures;
      breaker_.Failed(clock_.Elapsed());
      return;
    }
    breaker_.Succeeded();  // it answers, if only that it does not like the text
    stats_.texts += failure.has_value() ? 0 : texts;
  }

  // Calls back for whoever cannot wait any longer. Those that never got into a request count for
  // the breaker: one of them may be its probe.
  void Expire() {
    const Nanos now = clock_.Elapsed();
    const Error late{Code::kTimeout, "embeddings endpoint: no answer in time"};
    for (Request& request : requests_) {
      for (Item& item : request.items) {
        if (now >= item.deadline) {
          item.Finish(late);
        }
      }
    }
    std::vector<Item> expired;
    {
      const base::MutexLock lock(mutex_);
      while (!queue_.empty() && now >= queue_.front().deadline) {
        expired.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      if (!expired.empty()) {
        breaker_.Failed(now);
      }
    }
    for (Item& item : expired) {
      item.Finish(late);
    }
  }

  // Until the next deadline.
  int PollMs() const {
    Nanos next = clock_.Elapsed() + kPollMsMax * base::kNanosPerMilli;
    for (const Request& request : requests_) {
      for (const Item& item : request.items) {
        next = item.done ? std::min(next, item.deadline) : next;
      }
    }
    {
      const base::MutexLock lock(mutex_);
      if (!queue_.empty()) {
        // Something came since StartRequests looked: the wake-up is pending, or all are taken.
        next = std::min(next, queue_.front().deadline);
      }
    }
    const std::int64_t left_ns = next - clock_.Elapsed();
    return static_cast<int>(
        std::clamp<std::int64_t>(left_ns / base::kNanosPerMilli + 1, 0, kPollMsMax));
  }

  void Abandon() {
    const Error stopping{Code::kShuttingDown, "embeddings endpoint: the server is stopping"};
    for (Request& request : requests_) {
      for (Item& item : request.items) {
        item.Finish(stopping);
      }
      curl_multi_remove_handle(multi_.get(), request.easy.get());
    }
    requests_.clear();
    std::deque<Item> queue;
    {
      const base::MutexLock lock(mutex_);
      queue.swap(queue_);
    }
    for (Item& item : queue) {
      item.Finish(stopping);
    }
  }

  const HttpEmbedderOptions options_;
  const base::Clock& clock_;
  mutable base::Mutex mutex_;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::deque<Item> queue_ GUARDED_BY(mutex_);  // by deadline: all have the same time
  CircuitBreaker breaker_ GUARDED_BY(mutex_);
  Stats stats_ GUARDED_BY(mutex_);
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  std::unique_ptr<CURLM, MultiDeleter> multi_;
  Requests requests_;  // The thread's; on top of `multi_`, whose handles it holds.
};

Result<std::unique_ptr<HttpEmbedder>> HttpEmbedder::Start(const HttpEmbedderOptions& options,
                                                          const base::Clock& clock) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) {
    return Error{Code::kInternal, "embeddings endpoint: libcurl does not start"};
  }
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(const std::string key, ReadKey(options.key_variable));
  return std::unique_ptr<HttpEmbedder>(
      new HttpEmbedder(options, std::make_unique<Worker>(options, clock, key)));
}

HttpEmbedder::HttpEmbedder(const HttpEmbedderOptions& options, std::unique_ptr<Worker> worker)
    : fingerprint_(FingerprintOf(options)),
      width_(options.width),
      worker_(std::move(worker)),
      thread_([this] { worker_->Run(); }) {}

HttpEmbedder::~HttpEmbedder() {
  Stop();
}

void HttpEmbedder::Stop() {
  worker_->Stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

Status HttpEmbedder::Submit(std::string text, Done done) {
  ENSURE(done != nullptr);
  RETURN_IF_ERROR(text::CheckUtf8(text));
  return worker_->Submit(std::move(text), std::move(done));
}

HttpEmbedder::Stats HttpEmbedder::Read() const {
  return worker_->Read();
}

}  // namespace reprise::embed
