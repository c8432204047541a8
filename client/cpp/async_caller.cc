#include "client/cpp/async_caller.h"

#include <future>
#include <memory>

#include "client/cpp/encode.h"

namespace reprise::client {

base::Result<std::string> AsyncCaller::CallRaw(std::string_view method, std::string_view params,
                                               const CallOptions& options) {
  RETURN_IF_ERROR(CheckParams(params));
  const auto promise = std::make_shared<std::promise<base::Result<std::string>>>();
  auto future = promise->get_future();
  RETURN_IF_ERROR(
      client_.CallRaw(method, params, options, [promise](base::Result<std::string_view> reply) {
        if (reply.ok()) {
          promise->set_value(std::string(reply.value()));
        } else {
          promise->set_value(std::move(reply).error());
        }
      }));
  return future.get();
}

}  // namespace reprise::client
