#include "client/cpp/client.h"

#include "client/cpp/client_core.h"
#include "client/cpp/encode.h"
#include "protocol/wire/decode.h"

namespace reprise::client {

void Pipeline::Add(std::string_view method, const base::Value::Array& params) {
  AddRaw(method, EncodeParams(params));
}

void Pipeline::AddRaw(std::string_view method, std::string_view params) {
  AppendBody(method, params, bodies_);
  ends_.push_back(bodies_.size());
  reads_only_ = reads_only_ && ReadsOnly(method);
}

void Pipeline::Clear() {
  bodies_.Clear();
  ends_.clear();
  reads_only_ = true;
}

base::Result<std::unique_ptr<Client>> Client::Create(Options options) {
  ASSIGN_OR_RETURN(std::unique_ptr<ClientCore> core, ClientCore::Create(std::move(options)));
  return std::unique_ptr<Client>(new Client(std::move(core)));
}

base::Result<std::unique_ptr<Client>> Client::Connect(Options options) {
  ASSIGN_OR_RETURN(std::unique_ptr<Client> client, Create(std::move(options)));
  RETURN_IF_ERROR(client->Connect());
  return client;
}

Client::Client(std::unique_ptr<ClientCore> core) : core_(std::move(core)) {}

Client::~Client() = default;

base::Result<std::string> Client::CallRaw(std::string_view method, std::string_view params,
                                          const CallOptions& options) {
  RETURN_IF_ERROR(CheckParams(params));
  base::Buffer body;
  AppendBody(method, params, body);
  const std::size_t end = body.size();
  ASSIGN_OR_RETURN(ClientCore::Replies replies,
                   core_->Exchange({body.view(), {&end, 1}, ReadsOnly(method)}, options));
  return std::move(replies.front());
}

base::Result<std::vector<base::Result<std::string>>> Client::RunRaw(const Pipeline& pipeline,
                                                                    const CallOptions& options) {
  if (pipeline.empty()) {
    return ClientCore::Replies{};
  }
  return core_->Exchange(ClientCore::BatchOf(pipeline), options);
}

base::Result<std::vector<base::Result<base::Value>>> Client::Run(const Pipeline& pipeline,
                                                                 const CallOptions& options) {
  ASSIGN_OR_RETURN(ClientCore::Replies replies, RunRaw(pipeline, options));
  std::vector<base::Result<base::Value>> values;
  values.reserve(replies.size());
  for (base::Result<std::string>& reply : replies) {
    if (reply.ok()) {
      values.push_back(wire::Decode(reply.value()));
    } else {
      values.emplace_back(std::move(reply).error());
    }
  }
  return values;
}

base::Status Client::Connect() {
  return core_->Connect();
}

void Client::Disconnect() {
  core_->Disconnect();
}

base::Result<int> Client::WaitForNotifications(std::int64_t timeout_ms) {
  return core_->WaitForNotifications(timeout_ms);
}

bool Client::connected() const {
  return core_->connected();
}

Circuit Client::circuit() const {
  return core_->circuit();
}

const Options& Client::options() const {
  return core_->options();
}

}  // namespace reprise::client
