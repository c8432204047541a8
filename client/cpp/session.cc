#include "client/cpp/session.h"

#include "client/cpp/fields.h"

namespace reprise::client {

using base::Value;

base::Result<HelloResult> SessionCommands::Hello(const HelloOptions& options,
                                                 const CallOptions& call) {
  OptionMap map;
  map.AddIfSet("client", options.client);
  map.AddIfSet("version", options.version);
  Value::Array params;
  std::move(map).AppendTo(params);
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("HELLO", params, call));
  RETURN_IF_ERROR(ExpectMap(reply, "HELLO"));
  HelloResult result;
  result.server = TextOf(reply, "server");
  result.version = TextOf(reply, "version");
  result.protocol = IntOf(reply, "protocol");
  result.name_space = TextOf(reply, "namespace");
  result.authenticated = BoolOf(reply, "authenticated");
  result.id = UintOf(reply, "id");
  return result;
}

base::Result<AuthResult> SessionCommands::Auth(std::string_view access_key,
                                               const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("AUTH", {access_key}, call));
  RETURN_IF_ERROR(ExpectMap(reply, "AUTH"));
  return AuthResult{TextOf(reply, "namespace"), TextsOf(reply, "permissions")};
}

base::Status SessionCommands::Ping(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("PING", {}, call));
  if (reply == Value("PONG")) {
    return base::Ok{};
  }
  return base::Error{base::Code::kCorrupt, "the reply to PING is not PONG"};
}

base::Result<Value> SessionCommands::Echo(const Value& value, const CallOptions& call) {
  return caller_.Call("ECHO", {value}, call);
}

base::Status SessionCommands::Quit(const CallOptions& call) {
  RETURN_IF_ERROR(caller_.Call("QUIT", {}, call));
  return base::Ok{};
}

base::Result<std::vector<Connection>> SessionCommands::List(const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CLIENT.LIST", {}, call));
  ASSIGN_OR_RETURN(const Value::Array* items, ExpectArray(reply, "CLIENT.LIST"));
  std::vector<Connection> connections;
  for (const Value& item : *items) {
    Connection connection;
    connection.id = UintOf(item, "id");
    connection.peer = TextOf(item, "peer");
    connection.transport = TextOf(item, "transport");
    connection.name_space = TextOf(item, "namespace");
    connection.client = TextOf(item, "client");
    connection.age_ms = IntOf(item, "age_ms");
    connection.idle_ms = IntOf(item, "idle_ms");
    connection.calls = UintOf(item, "calls");
    connection.unsent_bytes = UintOf(item, "unsent_bytes");
    connection.in_flight = UintOf(item, "in_flight");
    connections.push_back(std::move(connection));
  }
  return connections;
}

base::Result<bool> SessionCommands::Kill(std::uint64_t id, const CallOptions& call) {
  ASSIGN_OR_RETURN(const Value reply, caller_.Call("CLIENT.KILL", {id}, call));
  return ExpectBool(reply, "CLIENT.KILL");
}

}  // namespace reprise::client
