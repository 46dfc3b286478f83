#include <algorithm>
#include <mutex>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/framework/config/in_part.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/models/model/functional.hpp"
#include "xlayers/models/model/model.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {

namespace {

// ---- how a model is compiled, as Keras writes it

// A value for all outputs by itself, one for each in a list, by name in an object.
template <class T, class Write>
Value write_each(const PerOutput<T>& values, Write write) {
  if (values.empty()) return Value();
  if (!values.names().empty()) {
    Config named;
    for (std::size_t i = 0; i < values.names().size(); ++i) named.set(values.names()[i], write(values.values()[i]));
    return named;
  }
  if (values.values().size() == 1) return write(values.values()[0]);
  Value::List list;
  for (const T& value : values.values()) list.push_back(write(value));
  return list;
}

// The inverse. Null is nothing for that output.
template <class T, class Read>
PerOutput<T> read_each(const Value& given, const std::vector<std::string>& outputs, Read read) {
  if (given.is_null()) return {};
  PerOutput<T> named;
  if (given.is_list()) {
    const Value::List& list = given.as_list();
    const bool some = std::any_of(list.begin(), list.end(), [](const Value& value) { return value.is_null(); });
    if (some && outputs.size() > 1) {
      if (list.size() != outputs.size())
        throw ValueError("expected something or null for each of the outputs " + joined(outputs) + ", got " +
                         given.to_text());
      for (std::size_t i = 0; i < list.size(); ++i)
        if (!list[i].is_null()) named.add(outputs[i], read(list[i]));
      return named;
    }
    std::vector<T> values;
    for (const Value& value : list)
      if (!value.is_null()) values.push_back(read(value));
    return values;
  }
  if (given.is_config() && !given.as_config().contains("class_name")) {
    for (const auto& [name, value] : given.as_config().entries())
      if (!value.is_null()) named.add(name, read(value));
    return named;
  }
  return read(given);
}

Value write_metrics(const MetricList& metrics) { return to_value(static_cast<const std::vector<Metric>&>(metrics)); }

MetricList read_metrics(const Value& value) {
  const auto read = [](const Value& one) {
    Metric metric = "mse";
    from_value(one, metric);
    return metric;
  };
  if (!value.is_list()) return read(value);
  MetricList list;
  for (const Value& one : value.as_list())
    if (!one.is_null()) list.push_back(read(one));
  return list;
}

// Of a model of one output, Keras keeps the metrics in one list; else a list for each output.
Value write_all_metrics(const PerOutput<MetricList>& metrics, std::size_t outputs) {
  if (metrics.empty() || !metrics.names().empty()) return write_each(metrics, write_metrics);
  Value::List list;
  if (outputs > 1) {
    for (std::size_t i = 0; i < outputs; ++i)
      list.push_back(write_metrics(metrics.values()[metrics.values().size() == 1 ? 0 : i]));
    return list;
  }
  for (const MetricList& one : metrics.values())
    for (const Metric& metric : one) list.push_back(to_value(metric));
  return list.empty() ? Value() : Value(std::move(list));
}

Config write(const CompileOptions& options, std::size_t outputs) {
  return {{"optimizer", to_value(options.optimizer)},
          {"loss", write_each(options.loss, [](const Loss& loss) { return to_value(loss); })},
          {"loss_weights", write_each(options.loss_weights, [](double weight) { return Value(weight); })},
          {"metrics", write_all_metrics(options.metrics, outputs)},
          {"weighted_metrics", write_all_metrics(options.weighted_metrics, outputs)},
          {"run_eagerly", false},
          {"steps_per_execution", 1},
          {"jit_compile", false}};
}

CompileOptions read(const Config& config, const std::vector<std::string>& outputs) {
  CompileOptions options;
  std::vector<std::string> known{"run_eagerly", "steps_per_execution", "jit_compile", "auto_scale_loss"};
  // Reads what stands under a key, if something does.
  const auto at = [&](const char* key, auto read) {
    known.emplace_back(key);
    const Value* given = config.find(key);
    if (given == nullptr) return;
    try {
      read(*given);
    } catch (const ValueError& error) {
      throw ValueError(std::string(error.what()) + " (the '" + key +
                       "' of a compile_config, which {.compile = false} leaves unread)");
    }
  };
  at("optimizer", [&](const Value& given) { from_value(given, options.optimizer); });
  at("loss", [&](const Value& given) {
    options.loss = read_each<Loss>(given, outputs, [](const Value& value) {
      Loss loss = "mse";
      from_value(value, loss);
      return loss;
    });
  });
  at("loss_weights", [&](const Value& given) {
    options.loss_weights = read_each<double>(given, outputs, [](const Value& value) { return value.as_number(); });
  });
  at("metrics", [&](const Value& given) { options.metrics = read_each<MetricList>(given, outputs, read_metrics); });
  at("weighted_metrics",
     [&](const Value& given) { options.weighted_metrics = read_each<MetricList>(given, outputs, read_metrics); });
  for (const auto& [key, value] : config.entries())
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw ValueError("unknown key '" + key + "' in a compile_config; the keys are " + joined(known));
  return options;
}

}  // namespace

void register_models() {
  static std::once_flag once;
  std::call_once(once, [] {
    register_layer("Sequential", Sequential::from_config);
    register_layer("Functional", [](const Config& config) { return Layer(functional_from_config(config)); });
  });
}

Config Model::to_config() const {
  Config object = layer_to_config(*this);
  if (compiled()) object.set("compile_config", write(*model().compiled(), output_names().size()));
  return object;
}

std::string Model::to_json(int indent) const {
  try {
    return to_config().to_json(indent);
  } catch (const SerializationError& error) {
    throw SerializationError(model().label() + error.what());
  }
}

Model model_from_config(const Config& object, const LoadOptions& options) {
  register_models();
  const Layer layer = layer_from_config(object);
  if (dynamic_cast<ModelBase*>(&layer.base()) == nullptr)
    throw ValueError("expected the config of a model, got that of the layer " + layer.base().label());
  const Model model(layer);
  const Value* compiled = options.compile ? object.find("compile_config") : nullptr;
  if (compiled == nullptr || compiled->is_null()) return model;
  const Config& how =
      in_part(model.base().label(), "compile_config", [&]() -> const Config& { return compiled->as_config(); });
  if (how.empty()) return model;
  const auto& base = static_cast<const ModelBase&>(model.base());
  const CompileOptions read_options =
      read(how, base.built() ? base.signature()->output_names : std::vector<std::string>());
  if (!read_options.loss.empty()) model.compile(read_options);
  return model;
}

Model model_from_json(TextView text, const LoadOptions& options) {
  return model_from_config(Config::from_json(text), options);
}

}  // namespace xl
