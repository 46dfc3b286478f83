// The component keras: files of Keras (tests/golden/keras_files.zip, .json), and files for it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "files.hpp"
#include "golden.hpp"
#include "hdf5_tree.hpp"
#include "layer_cases.hpp"
#include "xlayers/models/keras/hdf5_file.hpp"
#include "xlayers/models/keras/keras_config.hpp"
#include "xlayers/models/keras/keras_paths.hpp"
#include "xlayers/models/keras/zip_archive.hpp"
#include "xlayers/xlayers.hpp"

// A damaged HDF5 file may have its library ask for any amount of memory. That it does not get it is an error as any other. What
// the library then does not give back is its own.
extern "C" {
const char* __asan_default_options();
const char* __asan_default_options() { return "allocator_may_return_null=1"; }
const char* __lsan_default_suppressions();
const char* __lsan_default_suppressions() { return "leak:libhdf5"; }
}

namespace xl {
namespace {

namespace fs = std::filesystem;
using namespace testing_golden;
using namespace testing_files;
using namespace testing_layers;
using testing::HasSubstr;
using testing::StartsWith;

const ZipReader& archive() {
  static const ZipReader zip(XLAYERS_GOLDEN_DIR "/keras_files.zip");
  return zip;
}

const ZipReader& archive_of_releases() {
  static const ZipReader zip(XLAYERS_GOLDEN_DIR "/keras_versions.zip");
  return zip;
}

bool is_there(const std::string& name) {
  return std::find(archive().names().begin(), archive().names().end(), name) != archive().names().end();
}

/// The golden file, unpacked.
std::string unpack(const FileFolder& folder, const std::string& name, const ZipReader& from = archive()) {
  write(folder / "model.keras", from.read(name));
  return folder / "model.keras";
}

Array array_of(const Json& json) {
  const Tensor values = testing_golden::tensor(json);
  return json.value("dtype", "float32") == "int32" ? Array(values).as(DType::int32) : Array(values);
}

Data data_of(const Json& tensors) {
  Data data;
  for (const Json& json : tensors) data.push_back(array_of(json));
  return data;
}

/// Off by at most `most` of the largest number.
void expect_near(const Tensor& values, const Json& truth, double most) {
  EXPECT_EQ(shape(values), shape(testing_golden::tensor(truth)));
  EXPECT_LE(difference(values, numbers(truth)), most * std::max(1.0, largest(numbers(truth))));
}

// ---- the layers of the table of cases

class KerasLayerFile : public LayerTable {};
INSTANTIATE_TEST_SUITE_P(Rows, KerasLayerFile,
                         rows([](const Case& one) { return is_there("layer_" + one.name + ".keras"); }), name_of_row);

TEST_P(KerasLayerFile, PredictsWhatKerasDoes) {
  const FileFolder folder;
  const Model model = load_model(unpack(folder, "layer_" + one.name + ".keras"));
  Data inputs;
  for (const Array& input : one.inputs) inputs.push_back(input);
  const List<Tensor> outputs = model.predict_all(inputs);
  const Json& truths = one.golden->at("outputs");
  // In a model, KerasHub's encoder has no scores beside its output.
  ASSERT_EQ(outputs.size(), one.options.arguments.contains("return_attention_scores") ? 1 : truths.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) expect_near(outputs[i], truths[i], 1e-5);

  // Written here and read again, by us.
  model.save(folder / "again.keras");
  const List<Tensor> again = load_model(folder / "again.keras").predict_all(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) EXPECT_TRUE(same_bits(again[i], outputs[i]));
}

// ---- models

/// What stands in the HDF5 file of a .keras file: datasets with their extents, and the names of the model, its layers and its
/// optimizer. (Layers within layers have names of their own here, and groups only if they have weights.)
std::vector<std::string> weights_in(const FileFolder& folder, const std::string& path) {
  write(folder / "weights.h5", ZipReader(path).read("model.weights.h5"));
  std::vector<std::string> tree = hdf5_tree(folder / "weights.h5");
  const std::regex shown("((optimizer|layers/[^/]+)/)?vars( = .*)?|.*/vars/.*");
  std::erase_if(tree, [&](const std::string& line) { return !std::regex_match(line, shown); });
  return tree;
}

/// The model in the file predicts what `json` says, and trains on so; and again after it was written and read here.
void expect_as_in_keras(const FileFolder& folder, const std::string& path, const Json& json) {
  const Model model = load_model(path);
  const Data inputs = data_of(json.at("inputs"));
  const List<Tensor> outputs = model.predict_all(inputs);
  ASSERT_EQ(outputs.size(), json.at("outputs").size());
  for (std::size_t i = 0; i < outputs.size(); ++i) expect_near(outputs[i], json.at("outputs")[i], 1e-5);

  model.save(folder / "again.keras");
  const Model again = load_model(folder / "again.keras");
  for (std::size_t i = 0; i < outputs.size(); ++i) EXPECT_TRUE(same_bits(again.predict_all(inputs)[i], outputs[i]));
  EXPECT_EQ(model.compiled(), json.contains("targets"));
  EXPECT_EQ(again.compiled(), model.compiled());
  if (!model.compiled()) return;

  for (const Model& one : {model, again}) {
    const History history =
        one.fit(inputs, data_of(json.at("targets")), {.batch_size = 8, .epochs = 2, .verbose = 0, .shuffle = false});
    EXPECT_EQ(one.optimizer().iterations(), json.at("iterations").get<int>());
    for (const auto& [name, values] : json.at("history").items())
      for (std::size_t epoch = 0; epoch < values.size(); ++epoch) {
        const double truth = values[epoch];
        EXPECT_NEAR(history.history.at(name)[epoch], truth, 1e-4 * std::max(1.0, std::abs(truth))) << name;
      }
  }
}

class KerasModelFile : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, KerasModelFile, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& [name, json] : golden("keras_files").at("models").items())
                             names.push_back(name);
                           return names;
                         }()),
                         [](const auto& info) { return info.param; });

TEST_P(KerasModelFile, PredictsAndTrainsOnAsInKeras) {
  const FileFolder folder;
  const std::string path = unpack(folder, "model_" + GetParam() + ".keras");
  expect_as_in_keras(folder, path, golden("keras_files").at("models").at(GetParam()));
  EXPECT_EQ(weights_in(folder, folder / "again.keras"), weights_in(folder, path));
}

class KerasRelease : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Releases, KerasRelease, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& [release, json] : golden("keras_versions").at("models").items())
                             names.push_back(release);
                           return names;
                         }()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST_P(KerasRelease, IsReadAsItIsThere) {
  const FileFolder folder;
  for (const auto& [name, json] : golden("keras_versions").at("models").at(GetParam()).items()) {
    SCOPED_TRACE(name);
    expect_as_in_keras(folder, unpack(folder, GetParam() + "/" + name + ".keras", archive_of_releases()), json);
  }
}

TEST(KerasFile, LeavesTheCompilationAside) {
  const FileFolder folder;
  const Model model = load_model(unpack(folder, "model_optimizer_adam.keras"), {.compile = false});
  EXPECT_FALSE(model.compiled());
}

// ---- for Keras

Json json_of(const Array& array) {
  const Tensor values = array;
  const std::vector<Dim> dims(array.shape().begin(), array.shape().end());
  return {{"shape", dims},
          {"dtype", to_string(array.dtype())},
          {"data", std::vector<double>(values.begin(), values.end())}};
}

/// Into the folder that tests/keras_reads.sh names; Keras then reads them.
TEST(KerasFile, WritesForKeras) {
  const char* folder = std::getenv("XLAYERS_WRITE_FOR_KERAS");
  if (folder == nullptr) GTEST_SKIP() << "for tests/keras_reads.sh";
  const FileFolder unpacked;
  const auto write_case = [&](const std::string& name, const Model& model, const Data& inputs, Json more) {
    model.save(std::string(folder) + "/" + name + ".keras");
    for (std::size_t i = 0; i < inputs.size(); ++i) more["inputs"].push_back(json_of(inputs[i]));
    for (const Tensor& output : model.predict_all(inputs)) more["outputs"].push_back(json_of(output));
    std::ofstream(std::string(folder) + "/" + name + ".json") << more.dump();
  };
  for (const auto& [name, json] : golden("keras_files").at("models").items()) {
    const Model model = load_model(unpack(unpacked, "model_" + name + ".keras"));
    Json more = Json::object();
    if (model.compiled()) {
      for (const Json& target : json.at("targets")) more["targets"].push_back(json_of(array_of(target)));
      more["history"] = json.at("history");
    }
    write_case("model_" + name, model, data_of(json.at("inputs")), more);
  }
  // What only xlayers has, or has with more options: models/keras/xlayers.py.
  const SymbolicTensor series = Input({6, 3}), marks = Input({6, 5}, {.dtype = "int32"}),
                       hours = Input({6}, {.dtype = "int32"});
  const Tensor x = drawn({4, 6, 3}, 1);
  const IntTensor of_marks = random_integers({4, 6, 5}, 0, 7, 2), of_hours = random_integers({4, 6}, 0, 24, 3);
  const auto own = [&](const std::string& name, const SymbolicTensor& in, const SymbolicTensor& out, const Data& data) {
    write_case("own_" + name, Model(in, out), data, Json::object());
  };
  for (const char* layout : {"interleaved", "halves"})
    for (const int d_model : {3, 4}) {
      const std::string name = std::string(layout) + "_" + std::to_string(d_model);
      own("position_" + name, series, PositionalEmbedding({.max_len = 9, .d_model = d_model, .layout = layout})(series),
          x);
      for (const bool table : {false, true})
        own("hours_" + name + (table ? "_table" : ""), hours,
            FixedEmbedding({.n_features = 24, .d_model = d_model, .layout = layout, .table_as_weight = table})(hours),
            of_hours);
      for (const char* type : {"fixed", "learned"})
        own("marks_" + name + "_" + type, marks,
            TemporalEmbedding({.d_model = d_model, .embed_type = type, .freq = "t", .layout = layout})(marks),
            of_marks);
    }
  for (const char* padding : {"same", "causal", "circular"})
    for (const bool bias : {false, true})
      own(std::string("token_") + padding + (bias ? "_bias" : ""), series,
          TokenEmbedding({.c_in = 3, .d_model = 4, .padding = padding, .use_bias = bias})(series), x);
  for (const bool norm_first : {false, true})
    own(norm_first ? "block_norm_first" : "block_norm_last", series,
        TransformerBlock({.dim_model = 3, .num_heads = 1, .ff_units = 5, .norm_first = norm_first})(series), x);
  write_case(
      "own_data",
      Model({series, marks}, DataEmbeddingWithoutPosition({.c_in = 3, .d_model = 4, .freq = "t"})({series, marks})),
      {x, of_marks}, Json::object());
  write_case("own_sequential",
             Sequential{Input({6, 3}), TokenEmbedding({.c_in = 3, .d_model = 4}),
                        PositionalEmbedding({.max_len = 6, .d_model = 4}), Dense({.units = 1})},
             x, Json::object());
  for (const Case& one : cases()) {
    const std::string name = "layer_" + one.name;
    if (!is_there(name + ".keras")) continue;
    Data inputs;
    for (const Array& input : one.inputs) inputs.push_back(input);
    write_case(name, load_model(unpack(unpacked, name + ".keras")), inputs, Json::object());
  }
}

// ---- weights

// KerasFactory counts minutes in quarters: its class does nothing else.
TEST(KerasFile, HasKerasFactorysClassesWhereTheyDoTheSame) {
  const auto class_of = [](int minute_size) {
    const Sequential model{
        Input({4, 5}), TemporalEmbedding({.d_model = 4, .freq = "t", .minute_size = minute_size, .layout = "halves"})};
    const Config written = keras_config({{"class_name", "Sequential"}, {"config", model.get_config()}});
    return written.at("config").as_config().at("layers").as_list().back().as_config().at("registered_name").as_string();
  };
  EXPECT_EQ(class_of(4), "kerasfactory.layers>TemporalEmbedding");
  EXPECT_NE(class_of(5), "kerasfactory.layers>TemporalEmbedding");
}

TEST(KerasWeights, GoBothWays) {
  const FileFolder folder;
  const Model model = load_model(unpack(folder, "model_encoder.keras"));
  const Data inputs = data_of(golden("keras_files").at("models").at("encoder").at("inputs"));
  model.save_weights(folder / "w.weights.h5");
  const Model other = model_from_json(model.to_json());
  EXPECT_FALSE(same_bits(other.predict(inputs), model.predict(inputs)));
  other.load_weights(folder / "w.weights.h5");
  EXPECT_TRUE(same_bits(other.predict(inputs), model.predict(inputs)));
  EXPECT_EQ(other.optimizer().iterations(), model.optimizer().iterations());
}

Sequential dense_model(int hidden, int more = 0) {
  Sequential model({Input({4}), Dense({.units = hidden, .name = "a"}), Dense({.units = 1, .name = "b"})}, "m");
  if (more > 0) model.add(Dense({.units = more, .name = "c"}));
  return model;
}

TEST(KerasWeights, SayWhatDoesNotFit) {
  const FileFolder folder;
  const std::string path = folder / "w.weights.h5",
                    front = "cannot load weights from '" + path + "': [Sequential 'm'] ";
  const Sequential model = dense_model(3);
  model.save_weights(path);
  const auto error = [&](const Sequential& into, const LoadWeightsOptions& options = {}) {
    const auto before = into.get_weights();
    const std::string text = error_of<SerializationError>([&] { into.load_weights(path, options); });
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], into.get_weights()[i]));
    return text;
  };
  EXPECT_EQ(error(dense_model(5)),
            front + "expected 'layers/dense/vars/0', for the weight 'kernel', of shape (4, 5), got (4, 3)");
  EXPECT_EQ(error(dense_model(3, 2)), front + "there is no dataset 'layers/dense_2/vars/0' for the weight 'kernel'");
  const Sequential fewer({Input({4}), Dense({.units = 3, .name = "a"})}, "m");
  EXPECT_EQ(error(fewer), front + "the dataset 'layers/dense_1/vars/0' is no weight of the model");
  EXPECT_THAT(error(dense_model(3), {.by_name = true}), HasSubstr("go by their places"));
  const Sequential wider = dense_model(5);
  testing::internal::CaptureStderr();
  wider.load_weights(path, {.skip_mismatch = true});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("expected 'layers/dense/vars/0'"));
  EXPECT_TRUE(same_bits(wider.get_weights()[3], model.get_weights()[3]));  // b's bias
}

TEST(KerasPaths, SnakeCase) {
  for (const auto& [name, snake] :
       std::map<std::string, std::string>{{"Dense", "dense"},
                                          {"Conv1D", "conv1d"},
                                          {"MultiHeadAttention", "multi_head_attention"},
                                          {"GlobalAveragePooling1D", "global_average_pooling1d"},
                                          {"ReLU", "re_lu"},
                                          {"PReLU", "p_re_lu"},
                                          {"LSTM", "lstm"},
                                          {"AdamW", "adam_w"},
                                          {"RMSNormalization", "rms_normalization"}})
    EXPECT_EQ(snake_case(name), snake);
}

TEST(Npz, ReadsWhatNumPyWrites) {
  const FileFolder folder;
  const Json& json = golden("npy");
  for (const auto& [name, bytes] : json.at("archives").items()) {
    SCOPED_TRACE(name);
    write(folder / "x.npz", from_hex(bytes));
    const auto arrays = load_npz(folder / "x.npz");
    EXPECT_EQ(arrays.size(), json.at("arrays").size());
    for (const auto& [key, expected] : json.at("arrays").items()) {
      const Tensor values = arrays.at(key);
      EXPECT_EQ(difference(values, numbers(expected)) <= 1e-7, true) << key;
    }
  }
  write(folder / "y.npz", make_zip({{"a.npy", "no array"}}));
  EXPECT_EQ(error_of<SerializationError>([&] { load_npz(folder / "y.npz"); }),
            "cannot read '" + (folder / "y.npz") + ", a': it does not begin as a .npy file");
}

// ---- what is no such file

TEST(KerasFile, SaysWhatIsWrong) {
  const FileFolder folder;
  const auto loading = [&](const std::string& bytes) {
    write(folder / "x.keras", bytes);
    const std::string text = error_of<SerializationError>([&] { load_model(folder / "x.keras"); });
    const std::string front = "cannot read '" + (folder / "x.keras") + "': ";
    return text.starts_with(front) ? text.substr(front.size()) : text;
  };
  EXPECT_EQ(error_of<SerializationError>([&] { load_model(folder / "none.keras"); }),
            "cannot read '" + (folder / "none.keras") + "': No such file or directory");
  EXPECT_EQ(loading("no zip archive"), "it is no zip archive");
  EXPECT_EQ(loading(make_zip({{"config.json", "{}"}})), "it has no member 'model.weights.h5'; there are config.json");
  EXPECT_EQ(loading(make_zip({{"config.json", "{}"}, {"model.weights.h5", "x"}})), "it is no HDF5 file");
  Hdf5Writer empty_file;
  const std::string nothing = empty_file.bytes();
  EXPECT_THAT(loading(make_zip({{"config.json", "{}"}, {"model.weights.h5", nothing}})), HasSubstr("class_name"));
  EXPECT_THAT(loading(make_zip({{"config.json", "{"}, {"model.weights.h5", nothing}})), HasSubstr("x.keras"));
  const std::string lstm =
      R"({"module":"keras","class_name":"Sequential","config":{"name":"s","layers":[{"module":"keras.layers",
    "class_name":"LSTM","config":{"name":"memory","units":3}}]}})";
  EXPECT_THAT(loading(make_zip({{"config.json", lstm}, {"model.weights.h5", nothing}})), HasSubstr("LSTM"));
  const std::string large = R"({"module":"keras","class_name":"Sequential","config":{"name":"s","layers":[
    {"module":"keras.layers","class_name":"InputLayer","config":{"batch_shape":[null,100000],"name":"i"}},
    {"module":"keras.layers","class_name":"Dense","config":{"name":"d","units":1000000000}}]}})";
  EXPECT_THAT(loading(make_zip({{"config.json", large}, {"model.weights.h5", nothing}})), HasSubstr("numbers in all"));
  EXPECT_THAT(
      error_of<SerializationError>([&] { load_model(unpack(folder, "model_page.keras"), {.check_test_case = true}); }),
      HasSubstr("no test case"));
  EXPECT_THAT(error_of<ValueError>([&] {
                dense_model(2).save(folder / "y.keras", {.test_case = zeros({1, 4})});
              }),
              HasSubstr("no test case"));
}

// Every cut, and changed bytes: an error, or a model.
TEST(KerasFile, DamagedIsAnErrorOrAModel) {
  const FileFolder folder;
  dense_model(2).save(folder / "m.keras");
  const std::string bytes = bytes_of(folder / "m.keras");
  std::mt19937 engine(1);
  for (std::size_t length = 0; length < bytes.size(); length += 1 + engine() % 40) {
    write(folder / "x.keras", bytes.substr(0, length));
    EXPECT_THAT(error_of<Error>([&] { load_model(folder / "x.keras"); }), StartsWith("cannot ")) << length;
  }
  const std::string h5 = ZipReader(folder / "m.keras").read("model.weights.h5");
  const std::string config = ZipReader(folder / "m.keras").read("config.json");
  for (int round = 0; round < 400; ++round) {
    std::string damaged = h5;
    for (unsigned changes = 1 + engine() % 4; changes > 0; --changes)
      damaged[engine() % damaged.size()] = static_cast<char>(engine());
    write(folder / "x.keras", make_zip({{"config.json", config}, {"model.weights.h5", damaged}}));
    try {
      load_model(folder / "x.keras");
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace xl
