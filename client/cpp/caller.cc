#include "client/cpp/caller.h"

#include "client/cpp/access.h"
#include "client/cpp/cache.h"
#include "client/cpp/control.h"
#include "client/cpp/encode.h"
#include "client/cpp/jobs.h"
#include "client/cpp/keys.h"
#include "client/cpp/limits.h"
#include "client/cpp/routing.h"
#include "client/cpp/server.h"
#include "client/cpp/session.h"
#include "client/cpp/spend.h"
#include "protocol/wire/decode.h"

namespace reprise::client {

base::Result<base::Value> Caller::Call(std::string_view method, const base::Value::Array& params,
                                       const CallOptions& options) {
  ASSIGN_OR_RETURN(const std::string reply, CallRaw(method, EncodeParams(params), options));
  return wire::Decode(reply);
}

KeyCommands Caller::Keys() {
  return KeyCommands(*this);
}

CacheCommands Caller::Cache() {
  return CacheCommands(*this);
}

ServerCommands Caller::Server() {
  return ServerCommands(*this);
}

AccessCommands Caller::Access() {
  return AccessCommands(*this);
}

ControlCommands Caller::Control() {
  return ControlCommands(*this);
}

SessionCommands Caller::Session() {
  return SessionCommands(*this);
}

SpendCommands Caller::Spend() {
  return SpendCommands(*this);
}

JobCommands Caller::Jobs() {
  return JobCommands(*this);
}

LimitCommands Caller::Limits() {
  return LimitCommands(*this);
}

RoutingCommands Caller::Routing() {
  return RoutingCommands(*this);
}

}  // namespace reprise::client
