#include "client/cpp/link.h"

#include <algorithm>

#include "client/cpp/encode.h"

namespace reprise::client {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} * 1024;
constexpr std::size_t kKeptBytes = std::size_t{256} * 1024;

std::string Body(std::string_view method, const base::Value::Array& params) {
  base::Buffer buffer;
  AppendBody(method, EncodeParams(params), buffer);
  return std::string(buffer.view());
}

}  // namespace

base::Result<std::unique_ptr<Link>> Link::Begin(const Options& options,
                                                std::shared_ptr<const TlsContext> tls) {
  ASSIGN_OR_RETURN(const Address address, ParseAddress(options.address));
  ASSIGN_OR_RETURN(std::unique_ptr<Channel> channel, Channel::Begin(address, std::move(tls)));
  return std::unique_ptr<Link>(new Link(std::move(channel), options));
}

Link::Link(std::unique_ptr<Channel> channel, const Options& options)
    : channel_(std::move(channel)), response_bytes_max_(options.response_bytes_max) {
  if (!options.client_name.empty()) {
    greeting_.push_back(Body("HELLO", {base::Value::Map{{"client", options.client_name}}}));
  }
  if (!options.access_key.empty()) {
    greeting_.push_back(Body("AUTH", {options.access_key}));
  }
}

base::Status Link::Advance(bool readable) {
  if (!channel_->open()) {
    RETURN_IF_ERROR(channel_->Advance());
    if (!channel_->open()) {
      return base::Ok{};
    }
  }
  // One at a time: before AUTH a server accepts a single outstanding request.
  if (!greeting_.empty() && !greeting_sent_) {
    AppendRequest(++last_msgid_, greeting_.back(), output_);
    greeting_sent_ = true;
  }
  // Read first: a server that refused and closed has said why before writing fails.
  if (readable) {
    RETURN_IF_ERROR(Read());
  }
  return Write();
}

base::Status Link::Write() {
  while (!output_.empty()) {
    ASSIGN_OR_RETURN(const std::size_t count, channel_->Write(output_.view()));
    if (count == 0) {
      return base::Ok{};
    }
    written_bytes_ += count;
    output_.Consume(count);
  }
  output_.Shrink(kKeptBytes);
  return base::Ok{};
}

base::Status Link::Read() {
  if (frame_bytes_ > 0) {
    input_.Consume(std::exchange(frame_bytes_, 0));
    input_.Shrink(kKeptBytes);
  }
  const std::size_t known = input_.size();
  const std::size_t missing = scanner_.NeededBytes() > known ? scanner_.NeededBytes() - known : 0;
  const std::size_t wanted = std::max(kReadBytes, missing);
  std::size_t received = 0;
  while (received < wanted) {
    char* space = input_.Reserve(wanted - received);
    const auto count = channel_->Read({space, wanted - received});
    if (!count.ok()) {
      // What came before the end is still delivered; the end is found again by the next read.
      return received > 0 ? base::Status(base::Ok{}) : base::Status(count.error());
    }
    if (count.value() == 0) {
      break;
    }
    input_.Commit(count.value());
    received += count.value();
  }
  return base::Ok{};
}

base::Result<std::optional<wire::Response>> Link::NextFrame() {
  if (frame_bytes_ > 0) {
    input_.Consume(std::exchange(frame_bytes_, 0));
  }
  if (input_.empty()) {
    return std::optional<wire::Response>{};
  }
  const auto corrupt = [](const base::Error& error) {
    return base::Error{error.code == base::Code::kTooLarge ? error.code : base::Code::kCorrupt,
                       "the server's bytes are not the protocol: " + error.detail};
  };
  const auto size = scanner_.Scan(input_.view(), response_bytes_max_);
  if (!size.ok()) {
    return corrupt(size.error());
  }
  if (!size.value().has_value()) {
    return std::optional<wire::Response>{};
  }
  frame_bytes_ = *size.value();
  const auto response = wire::ParseResponse(input_.view().substr(0, frame_bytes_));
  if (!response.ok()) {
    return corrupt(response.error());
  }
  return std::optional(response.value());
}

base::Status Link::Greeted(const wire::Response& response) {
  if (response.msgid != last_msgid_) {
    return base::Error{base::Code::kCorrupt, "the server answered a request that was not made"};
  }
  constexpr std::string_view kNil = "\xc0";
  if (response.error != kNil) {
    return wire::ParseError(response.error);
  }
  greeting_.pop_back();
  greeting_sent_ = false;
  return base::Ok{};
}

base::Result<std::optional<wire::Response>> Link::Next() {
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<wire::Response> response, NextFrame());
    if (!response.has_value() || response->is_notification || greeting_.empty()) {
      return response;
    }
    RETURN_IF_ERROR(Greeted(*response));
    RETURN_IF_ERROR(Advance(false));  // The next greeting, if there is one.
  }
}

std::uint32_t Link::Send(std::string_view body) {
  AppendRequest(++last_msgid_, body, output_);
  return last_msgid_;
}

}  // namespace reprise::client
