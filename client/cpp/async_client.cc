#include "client/cpp/async_client.h"

#include "client/cpp/async_core.h"
#include "client/cpp/encode.h"
#include "protocol/wire/decode.h"

namespace reprise::client {

base::Result<std::unique_ptr<AsyncClient>> AsyncClient::Create(Options options,
                                                               AsyncOptions limits) {
  ASSIGN_OR_RETURN(std::unique_ptr<AsyncCore> core, AsyncCore::Create(std::move(options), limits));
  return std::unique_ptr<AsyncClient>(new AsyncClient(std::move(core)));
}

AsyncClient::AsyncClient(std::unique_ptr<AsyncCore> core) : core_(std::move(core)) {}

AsyncClient::~AsyncClient() = default;

base::Status AsyncClient::CallRaw(std::string_view method, std::string_view params,
                                  const CallOptions& options, RawCallback callback) {
  return core_->Submit(method, params, options, std::move(callback));
}

base::Status AsyncClient::Call(std::string_view method, const base::Value::Array& params,
                               const CallOptions& options, Callback callback) {
  return core_->Submit(method, EncodeParams(params), options,
                       [callback = std::move(callback)](base::Result<std::string_view> reply) {
                         if (reply.ok()) {
                           callback(wire::Decode(reply.value()));
                         } else {
                           callback(std::move(reply).error());
                         }
                       });
}

std::future<base::Result<base::Value>> AsyncClient::Future(std::string_view method,
                                                           const base::Value::Array& params,
                                                           const CallOptions& options) {
  auto promise = std::make_shared<std::promise<base::Result<base::Value>>>();
  auto future = promise->get_future();
  auto status = Call(method, params, options, [promise](base::Result<base::Value> reply) {
    promise->set_value(std::move(reply));
  });
  if (!status.ok()) {
    promise->set_value(std::move(status).error());
  }
  return future;
}

bool AsyncClient::WaitBelow(std::size_t calls, std::int64_t timeout_ms) {
  return core_->WaitBelow(calls, timeout_ms);
}

std::size_t AsyncClient::unanswered() const {
  return core_->unanswered();
}

bool AsyncClient::connected() const {
  return core_->connected();
}

Circuit AsyncClient::circuit() const {
  return core_->circuit();
}

}  // namespace reprise::client
