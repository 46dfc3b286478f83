#include "xlayers/models/model/model_to_dot.hpp"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "xlayers/framework/base/error_text.hpp"
#include "xlayers/models/model/model_base.hpp"

namespace xl {
namespace {

/// As text in an HTML-like label, which is XML: no control characters.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else
      result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result;
}

/// The boxes at which tensors enter what was drawn and leave it, in their order. Of a layer there is one for all.
struct Ends {
  std::vector<std::string> in, out;
};
const std::string& end_of(const std::vector<std::string>& ends, std::size_t tensor) {
  return ends[std::min(tensor, ends.size() - 1)];
}

class Drawing {
 public:
  explicit Drawing(const DotOptions& options) : options_(options) {}

  std::string draw(const Model& model) {
    text_ = "digraph " + quoted(model.name()) + " {\n  rankdir = " + options_.rankdir +
            "\n  node [shape = plain, fontname = \"Helvetica\"]\n  edge [arrowsize = 0.7]\n";
    draw_model(static_cast<const ModelBase&>(model.base()));
    return text_ + "}\n";
  }

 private:
  static std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : escaped(text)) result.append(c == '\\' ? 2 : 1, c);
    return result + '"';
  }

  void line(const std::string& text) { text_ += std::string(2 * depth_, ' ') + text + "\n"; }

  /// Its layers, and the arrows between them.
  Ends draw_model(const ModelBase& model) {
    if (!model.built()) return draw_chain(model.layers());
    const Graph& graph = model.graph();
    std::unordered_map<const LayerBase*, Ends> drawn;  // a layer that is called several times is drawn once
    const auto of = [&](const Node& call) -> const Ends& {
      const LayerBase& layer = *call.layer;
      const auto found = drawn.find(&layer);
      return found != drawn.end() ? found->second : drawn.emplace(&layer, draw_layer(layer, &call)).first->second;
    };
    Ends ends;
    for (const SymbolicTensor& input : graph.inputs) ends.in.push_back(of(input.node()).in[0]);
    for (const Node* call : sort_nodes(graph.inputs, graph.outputs)) {
      const Ends& to = of(*call);
      for (std::size_t i = 0; i < call->inputs.size(); ++i) {
        const SymbolicTensor& from = call->inputs[i];
        arrow(end_of(of(from.node()).out, from.index()), end_of(to.in, i));
      }
    }
    for (const SymbolicTensor& output : graph.outputs)
      ends.out.push_back(end_of(of(output.node()).out, output.index()));
    return ends;
  }

  /// The layers of a model that is not built, one after the other.
  Ends draw_chain(const std::vector<Layer>& layers) {
    Ends ends;
    for (const Layer& layer : layers) {
      const Ends next = draw_layer(layer.base(), nullptr);
      if (ends.in.empty()) ends.in = next.in;
      if (!ends.out.empty() && !next.in.empty()) arrow(ends.out[0], next.in[0]);
      if (!next.out.empty()) ends.out = next.out;
    }
    return ends;
  }

  void arrow(const std::string& from, const std::string& to) { line(from + " -> " + to); }

  /// `call` is where its shapes are taken from, if it is called.
  Ends draw_layer(const LayerBase& layer, const Node* call) {
    const std::string number = std::to_string(count_++);
    const auto* model = dynamic_cast<const ModelBase*>(&layer);
    if (options_.expand_nested && model != nullptr && !model->layers().empty()) {
      line("subgraph cluster_" + number + " {");
      ++depth_;
      line("label = " + quoted(title(layer)));
      line("fontname = \"Helvetica\"");
      line("color = \"#888888\"");
      const Ends ends = draw_model(*model);
      --depth_;
      line("}");
      return ends;
    }
    line("n" + number + " [label = <" + table(layer, call) + ">]");
    return {{"n" + number}, {"n" + number}};
  }

  std::string title(const LayerBase& layer) const {
    const std::string class_name(layer.class_name());
    return options_.show_layer_names ? layer.name() + " (" + class_name + ")" : class_name;
  }

  std::string table(const LayerBase& layer, const Node* call) const {
    const bool tensors = options_.show_shapes || options_.show_dtype;
    const auto row = [&](const std::string& text) {
      return std::string("<TR><TD") + (tensors ? " COLSPAN=\"2\"" : "") + ">" + escaped(text) + "</TD></TR>";
    };
    std::string text =
        "<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"6\"><TR><TD BGCOLOR=\"#222222\"";
    text += std::string(tensors ? " COLSPAN=\"2\"" : "") + "><FONT COLOR=\"white\">" + escaped(title(layer)) +
            "</FONT></TD></TR>";
    if (options_.show_layer_activations)
      if (const Config config = layer.get_config(); config.contains("activation"))
        text += row("Activation: " + activation(config.at("activation")));
    if (options_.show_trainable) text += row(layer.trainable() ? "Trainable" : "Not trainable");
    if (tensors) {
      text += "<TR>";
      if (!layer.is_input()) text += cell("Input", call == nullptr ? TensorSpecs{} : specs(call->inputs), false);
      text += cell("Output", call == nullptr ? TensorSpecs{} : call->outputs, layer.is_input()) + "</TR>";
    }
    return text + "</TABLE>";
  }

  static std::string activation(const Value& value) {
    if (value.is_string()) return value.as_string();
    if (value.is_config() && value.as_config().contains("class_name"))
      return value.as_config().at("class_name").as_string();
    return "linear";
  }

  std::string cell(const std::string& what, const TensorSpecs& tensors, bool wide) const {
    const std::string text = joined(tensors, [&](const TensorSpec& spec) {
      std::string one = options_.show_shapes ? to_string(spec.shape) : "";
      if (options_.show_dtype) one += std::string(one.empty() ? "" : " ") + to_string(spec.dtype);
      return one;
    });
    return std::string("<TD") + (wide ? " COLSPAN=\"2\"" : "") + ">" + what + ": <B>" + (text.empty() ? "?" : text) +
           "</B></TD>";
  }

  const DotOptions& options_;
  std::string text_;
  std::size_t depth_ = 1;
  int count_ = 0;
};

}  // namespace

std::string model_to_dot(const Model& model, const DotOptions& options) {
  check_known("[model_to_dot] ", "rankdir", options.rankdir, {"TB", "BT", "LR", "RL"});
  return Drawing(options).draw(model);
}

}  // namespace xl
