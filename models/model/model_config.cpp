#include <mutex>

#include "xlayers/framework/base/errors.hpp"
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

template <class T, class Read>
PerOutput<T> read_each(const Config& config, const char* key, Read read) {
  const Value* given = config.find(key);
  if (given == nullptr || given->is_null()) return {};
  if (given->is_list()) {
    std::vector<T> list;
    for (const Value& value : given->as_list()) list.push_back(read(value));
    return list;
  }
  if (given->is_config() && !given->as_config().contains("class_name")) {
    PerOutput<T> named;
    for (const auto& [name, value] : given->as_config().entries())
      if (!value.is_null()) named.add(name, read(value));
    return named;
  }
  return read(*given);
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
  for (const Value& one : value.as_list()) list.push_back(read(one));
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

CompileOptions read(const Config& config) {
  CompileOptions options{.optimizer = "sgd"};
  from_value(config.at("optimizer"), options.optimizer);
  options.loss = read_each<Loss>(config, "loss", [](const Value& value) {
    Loss loss = "mse";
    from_value(value, loss);
    return loss;
  });
  options.loss_weights =
      read_each<double>(config, "loss_weights", [](const Value& value) { return value.as_number(); });
  options.metrics = read_each<MetricList>(config, "metrics", read_metrics);
  options.weighted_metrics = read_each<MetricList>(config, "weighted_metrics", read_metrics);
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

Model model_from_config(const Config& object) {
  register_models();
  const Layer layer = layer_from_config(object);
  if (dynamic_cast<ModelBase*>(&layer.base()) == nullptr)
    throw ValueError("expected the config of a model, got that of the layer " + layer.base().label());
  const Model model(layer);
  const Value* compiled = object.find("compile_config");
  if (compiled != nullptr && !compiled->is_null() && !compiled->as_config().empty())
    model.compile(read(compiled->as_config()));
  return model;
}

Model model_from_json(std::string_view text) { return model_from_config(Config::from_json(text)); }

}  // namespace xl
