#include "client/cpp/following_caller.h"

#include <utility>

#include "client/cpp/encode.h"
#include "client/cpp/retry.h"

namespace reprise::client {
namespace {

// Also when the caller's function throws.
class OpenInbox {
 public:
  OpenInbox(ChunkRouter& router, const std::string& label)
      : router_(router), label_(label), inbox_(router.Open(label)) {}
  ~OpenInbox() { router_.Close(label_); }
  OpenInbox(const OpenInbox&) = delete;
  OpenInbox& operator=(const OpenInbox&) = delete;
  OpenInbox(OpenInbox&&) = delete;
  OpenInbox& operator=(OpenInbox&&) = delete;

  const std::shared_ptr<ChunkInbox>& inbox() const { return inbox_; }

 private:
  ChunkRouter& router_;
  const std::string& label_;
  const std::shared_ptr<ChunkInbox> inbox_;
};

}  // namespace

void ChunkInbox::Put(Chunk chunk) {
  {
    base::MutexLock lock(mutex_);
    news_.chunks.push_back(std::move(chunk));
  }
  changed_.notify_all();
}

void ChunkInbox::End(base::Result<std::string> reply) {
  {
    base::MutexLock lock(mutex_);
    news_.reply = std::move(reply);
  }
  changed_.notify_all();
}

ChunkInbox::News ChunkInbox::Wait() {
  base::MutexLock lock(mutex_);
  changed_.wait(mutex_, [this]() REQUIRES(mutex_) {
    return !news_.chunks.empty() || news_.reply.has_value();
  });
  return std::exchange(news_, News());
}

ChunkRouter::ChunkRouter() : prefix_(std::to_string(SystemSeed()) + "-") {}

std::string ChunkRouter::NewLabel() {
  return prefix_ + std::to_string(++labels_);
}

std::shared_ptr<ChunkInbox> ChunkRouter::Open(const std::string& label) {
  auto inbox = std::make_shared<ChunkInbox>();
  base::MutexLock lock(mutex_);
  inboxes_[label] = inbox;
  return inbox;
}

void ChunkRouter::Close(const std::string& label) {
  base::MutexLock lock(mutex_);
  inboxes_.erase(label);
}

bool ChunkRouter::Take(std::string_view method, const base::Value& params) {
  const base::Value::Array* parts = params.AsArray();
  if (method != "EVENT" || parts == nullptr || parts->size() != 2 ||
      (*parts)[0].AsText() != "chunk") {
    return false;
  }
  const base::Value& event = (*parts)[1];
  const base::Value* label = event.Find("stream");
  const base::Value* index = event.Find("index");
  const base::Value* chunk = event.Find("chunk");
  if (label == nullptr || index == nullptr || chunk == nullptr || !index->AsUint().has_value()) {
    return false;
  }
  std::shared_ptr<ChunkInbox> inbox;
  {
    base::MutexLock lock(mutex_);
    if (const auto found = inboxes_.find(label->AsText().value_or("")); found != inboxes_.end()) {
      inbox = found->second;
    }
  }
  if (inbox == nullptr) {
    return false;
  }
  inbox->Put({*index->AsUint(), *chunk});
  return true;
}

base::Result<std::string> FollowingCaller::CallRaw(std::string_view method, std::string_view params,
                                                   const CallOptions& options) {
  RETURN_IF_ERROR(CheckParams(params));
  const OpenInbox open(router_, label_);
  RETURN_IF_ERROR(client_.CallRaw(method, params, options,
                                  [inbox = open.inbox()](base::Result<std::string_view> reply) {
                                    if (reply.ok()) {
                                      inbox->End(std::string(reply.value()));
                                    } else {
                                      inbox->End(std::move(reply).error());
                                    }
                                  }));
  while (true) {
    ChunkInbox::News news = open.inbox()->Wait();
    for (const Chunk& chunk : news.chunks) {
      on_chunk_(chunk);
    }
    if (news.reply.has_value()) {
      return *std::move(news.reply);
    }
  }
}

}  // namespace reprise::client
