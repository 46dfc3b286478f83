// xlayers check MODEL

#include <cmath>
#include <iostream>

#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/files/model_contents.hpp"
#include "xlayers/models/tool/commands.hpp"
#include "xlayers/models/tool/model_at.hpp"

namespace xl::tool {
namespace {

bool has_test_case(const std::string& path) {
  return path.ends_with(".xl") && XlFile(path).config().contains("test_case");
}

void require_finite_weights(const Model& model) {
  for (const LayerWeights& layer : weights_by_layer(static_cast<const ModelBase&>(model.base())))
    for (const auto& [name, weight] : layer.weights)
      for (const float number : weight->value)
        if (!std::isfinite(number))
          throw ValueError(model.base().label() + "the weight '" + name + "' has an element that is " +
                           (std::isnan(number) ? "NaN" : "infinite"));
}

}  // namespace

void add_check(CLI::App& app) {
  struct Arguments {
    std::string model;
    bool require_test_case = false;
  };
  const auto given = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("check", "Loads a model, looks at its weights, and runs the test case that the file carries");
  command->add_option("MODEL", given->model, "A model: .xl or .keras")->required();
  command->add_flag("--require-test-case", given->require_test_case, "An error if the file carries none");
  command->callback([given] {
    const bool test_case = has_test_case(given->model);
    const Model model = model_at(given->model, {.check_test_case = test_case || given->require_test_case});
    if (model.built()) require_finite_weights(model);
    std::cout << model.base().class_name() << " '" << model.name() << "': ";
    if (model.built())
      std::cout << model.layers().size() << " layers, " << model.count_params() << " parameters, all finite";
    else
      std::cout << "not built";
    std::cout << (model.compiled() ? "; compiled" : "; not compiled")
              << (test_case ? "; its test case comes out" : "; no test case") << "\n";
  });
}

}  // namespace xl::tool
