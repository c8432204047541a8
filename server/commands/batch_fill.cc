#include "server/commands/batch_fill.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kCacheStore;

namespace {

using base::Code;
using base::Error;

constexpr std::string_view kNil = "\xc0";

// The params of CACHE.STORE: prompt, response, and the rest of the map as options.
base::Result<base::Buffer> ParamsOf(std::string_view fill, std::string_view response,
                                    const jobs::Completed* completed) {
  wire::Reader reader(fill);
  const auto pairs = reader.Map();
  if (!pairs.ok()) {
    return Error{Code::kBadRequest, "must be a map with 'prompt' and options of CACHE.STORE"};
  }
  std::string_view prompt = kNil;
  std::vector<std::pair<std::string_view, std::string_view>> options;
  for (std::uint32_t i = 0; i < pairs.value(); ++i) {
    ASSIGN_OR_RETURN(const std::string_view name, reader.Text());
    ASSIGN_OR_RETURN(const std::string_view value, reader.Raw());
    if (name == "prompt") {
      prompt = value;
    } else {
      options.emplace_back(name, value);
    }
  }
  const auto is_given = [&](std::string_view name) {
    return std::any_of(options.begin(), options.end(),
                       [&](const auto& option) { return option.first == name; });
  };
  const bool has_cost =
      completed != nullptr && completed->cost_nano.has_value() && !is_given("cost_nano");
  const bool has_model =
      completed != nullptr && !completed->facts.model.empty() && !is_given("model");
  base::Buffer params;
  wire::Writer writer(params);
  writer.Array(3);
  writer.Raw(prompt);
  writer.Raw(response);
  writer.Map(options.size() + (has_cost ? 1 : 0) + (has_model ? 1 : 0));
  for (const auto& [name, value] : options) {
    writer.Str(name);
    writer.Raw(value);
  }
  if (has_cost) {
    writer.Field("cost_nano", *completed->cost_nano);
  }
  if (has_model) {
    writer.Field("model", completed->facts.model);
  }
  return params;
}

}  // namespace

base::Status CheckFill(std::string_view fill) {
  ASSIGN_OR_RETURN(const base::Buffer params, ParamsOf(fill, "\xc3", nullptr));
  Args args;
  return args.Decode(kCacheStore, params.view());
}

base::Result<bool> FillCache(Context& context, const jobs::Completed& completed) {
  if (completed.fill.empty() || completed.result.empty()) {
    return false;
  }
  ASSIGN_OR_RETURN(const base::Buffer params,
                   ParamsOf(completed.fill, completed.result, &completed));
  Args args;
  RETURN_IF_ERROR(args.Decode(kCacheStore, params.view()));
  access::Principal owner = context.principal;
  owner.namespace_id = completed.facts.home;
  Context inside{context.instance, context.config, context.view,  owner,        context.server,
                 context.session,  nullptr,        context.owner, context.asker};
  base::Buffer scratch;
  wire::Writer writer(scratch);
  RETURN_IF_ERROR(kCacheStore.run(inside, args, writer));
  return true;
}

}  // namespace reprise::commands
