#pragma once

// Where the library meets your types: Client::Extract(), Client::Classify() of an enum, and
// Tool::Of(). schema/structs.h says how a type is described. Needs the headers of Boost.Describe.

#include <functional>
#include <future>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/client/client.h"
#include "weir/json/writer.h"
#include "weir/schema/structs.h"

namespace weir {
namespace client::internal {

// The verified value of a reply to a JSON constraint.
Result<json::Value> AnswerOf(const model::Reply& reply);

model::Constraint SchemaConstraint(json::Value schema);

// Calls without waiting; `done` hears of the reply once, on a thread of the client.
void Start(Core& core, Prompt prompt, const CallOptions& options,
           std::move_only_function<void(Result<model::Reply>)> done);

template <class T>
CallOptions WithSchemaOf(CallOptions options) {
  options.constraint = SchemaConstraint(schema::Of<T>());
  return options;
}

template <class T>
Result<T> ReadAnswer(const model::Reply& reply) {
  const Result<json::Value> value = AnswerOf(reply);
  if (!value) return Fail(value.error());
  return schema::Read<T>(*value);
}

template <class T>
struct ResultTraits {
  using Value = T;
};
template <class T>
struct ResultTraits<Result<T>> {
  using Value = T;
};

// What a tool returned, as the model is told it.
template <class T>
std::string ToolText(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return std::string(std::string_view(value));
  } else {
    return json::Write(schema::Write(value));
  }
}

template <class Returned>
Result<std::string> ToolResult(Returned returned) {
  if constexpr (std::is_same_v<Returned, typename ResultTraits<Returned>::Value>) {
    return ToolText(returned);
  } else {
    if (!returned) return Fail(std::move(returned).error());
    return ToolText(*returned);
  }
}

template <class Returned, class Arguments>
Tool MakeTool(model::ToolSpec spec, std::function<Returned(Arguments)> function) {
  using Struct = std::remove_cvref_t<Arguments>;
  spec.parameters = schema::Of<Struct>();
  return {std::move(spec),
          [function = std::move(function)](json::View arguments) -> Result<std::string> {
            Result<Struct> read = schema::Read<Struct>(arguments);
            if (!read) return Fail(std::move(read).error());
            return ToolResult<std::remove_cvref_t<Returned>>(function(*std::move(read)));
          }};
}

template <class Returned>
Tool MakeTool(model::ToolSpec spec, std::function<Returned()> function) {
  return {std::move(spec),
          [function = std::move(function)](json::View /*arguments*/) -> Result<std::string> {
            return ToolResult<std::remove_cvref_t<Returned>>(function());
          }};
}

}  // namespace client::internal

template <class Function>
Tool Tool::Of(std::string name, std::string description, Function function) {
  model::ToolSpec spec;
  spec.name = std::move(name);
  spec.description = std::move(description);
  return client::internal::MakeTool(std::move(spec), std::function(std::move(function)));
}

template <class Enum>
Result<Enum> Client::Classify(Prompt prompt, const CallOptions& options) {
  static_assert(std::is_enum_v<Enum>, "Classify<E>() is for described enums");
  const json::Value schema = schema::Of<Enum>();
  std::vector<std::string> labels;
  for (const json::View label : schema.Find("enum").items()) {
    labels.emplace_back(label.StringOr(""));
  }
  const Result<std::string> label = Classify(std::move(prompt), labels, options);
  if (!label) return Fail(label.error());
  return schema::Read<Enum>(json::Value::Of(*label));
}

template <class T>
Result<Extracted<T>> Client::ExtractWithReply(Prompt prompt, const CallOptions& options) {
  Result<model::Reply> reply = Call(std::move(prompt), client::internal::WithSchemaOf<T>(options));
  if (!reply) return Fail(std::move(reply).error());
  Result<T> value = client::internal::ReadAnswer<T>(*reply);
  if (!value) return Fail(std::move(value).error());
  return Extracted<T>{*std::move(value), *std::move(reply)};
}

template <class T>
Result<T> Client::Extract(Prompt prompt, const CallOptions& options) {
  Result<model::Reply> reply = Call(std::move(prompt), client::internal::WithSchemaOf<T>(options));
  if (!reply) return Fail(std::move(reply).error());
  return client::internal::ReadAnswer<T>(*reply);
}

template <class T>
std::future<Result<T>> Client::ExtractAsync(Prompt prompt, const CallOptions& options) {
  std::promise<Result<T>> promise;
  std::future<Result<T>> future = promise.get_future();
  client::internal::Start(*core_, std::move(prompt), client::internal::WithSchemaOf<T>(options),
                          [promise = std::move(promise)](Result<model::Reply> reply) mutable {
                            if (reply)
                              return promise.set_value(client::internal::ReadAnswer<T>(*reply));
                            promise.set_value(Fail(std::move(reply).error()));
                          });
  return future;
}

}  // namespace weir
