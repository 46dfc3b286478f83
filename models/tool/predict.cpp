// xlayers predict MODEL X.npy -o Y.npy

#include "xlayers/framework/base/threads.hpp"
#include "xlayers/models/tool/commands.hpp"
#include "xlayers/models/tool/data_files.hpp"
#include "xlayers/models/tool/model_at.hpp"

namespace xl::tool {

void add_predict(CLI::App& app) {
  struct Arguments {
    std::string model;
    std::vector<std::string> inputs, columns, outputs;
    int batch_size = 32;
    bool quiet = false;
  };
  const auto given = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("predict", "Writes what a model makes of data");
  command->add_option("MODEL", given->model, "A model: .xl or .keras")->required();
  command
      ->add_option("INPUT", given->inputs,
                   ".npy, .csv or .npz; several in their order, or by name: series=x.npy hours=h.npy")
      ->required();
  command
      ->add_option("-o,--output", given->outputs,
                   ".npy or .csv; of several outputs by name: -o load=y.npy -o state=z.npy")
      ->required()
      ->expected(1)
      ->take_all();
  command->add_option("--columns", given->columns, "Which columns of a .csv, such as OT,HUFL; else all")
      ->delimiter(',')
      ->expected(1);
  command->add_option("--batch-size", given->batch_size, "Samples at a time")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_flag("-q,--quiet", given->quiet, "No progress bar");
  command->callback([given] {
    const Model model = model_at(given->model, {.compile = false});
    const Data inputs = read_inputs(given->inputs, given->columns, model);
    if (!model.built()) model.predict_all(inputs);
    const OutputFiles files(given->outputs, model);
    files.write(model.predict_all(inputs, {.batch_size = given->batch_size, .verbose = given->quiet ? 0 : 1}));
  });
}

}  // namespace xl::tool
