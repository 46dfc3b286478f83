// .safetensors files against those of the safetensors library (tests/golden/safetensors.json), and weights in them.

#include "xlayers/models/files/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.hpp"
#include "golden.hpp"
#include "xlayers/layers/conv1d.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/transformer_encoder.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using namespace testing_files;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Safetensors, ReadsWhatTheLibraryWrites) {
  const FileFolder folder;
  for (const auto& [name, json] : golden("safetensors").at("cases").items()) {
    SCOPED_TRACE(name);
    write(folder / "x.safetensors", from_hex(json.at("bytes")));
    const auto arrays = load_safetensors(folder / "x.safetensors");
    EXPECT_EQ(arrays.size(), json.at("tensors").size());
    for (const auto& [key, expected] : json.at("tensors").items()) {
      SCOPED_TRACE(key);
      const Array& array = arrays.at(key);
      const auto dims = expected.at("shape").get<std::vector<Dim>>();
      EXPECT_EQ(array.shape(), Shape(dims.begin(), dims.end()));
      EXPECT_EQ(array.dtype(), expected.at("whole") ? DType::int32 : DType::float32);
      const Tensor values = array;
      const auto truths = expected.at("data").get<std::vector<double>>();
      ASSERT_EQ(values.size(), truths.size());
      for (std::size_t i = 0; i < truths.size(); ++i) EXPECT_EQ(values.data()[i], static_cast<float>(truths[i]));
    }
  }
}

TEST(Safetensors, ComesBackBitByBit) {
  const FileFolder folder;
  const std::map<std::string, Array> arrays{
      {"a", drawn({3, 4}, 1)}, {"b", IntTensor{{1, -2}}}, {"none", zeros({0, 2})}, {"\"quoted\" ä", drawn({1}, 2)}};
  save_safetensors(folder / "x.safetensors", arrays);
  const auto again = load_safetensors(folder / "x.safetensors");
  ASSERT_EQ(again.size(), arrays.size());
  for (const auto& [name, array] : arrays) {
    EXPECT_EQ(again.at(name).dtype(), array.dtype());
    EXPECT_TRUE(same_bits(Tensor(again.at(name)), Tensor(array)));
  }
  EXPECT_EQ(bytes_of(folder / "x.safetensors").find('{') % 8, 0u);
  EXPECT_THAT(error_of<ValueError>([&] {
                save_safetensors(folder / "y.safetensors", {{"__metadata__", zeros({1})}});
              }),
              HasSubstr("cannot have the name '__metadata__'"));
  EXPECT_THAT(error_of<ValueError>([&] {
                save_safetensors(folder / "y.safetensors", {{"x", Array()}});
              }),
              HasSubstr("there is no array for 'x'"));
}

TEST(Safetensors, SaysWhatIsWrong) {
  const FileFolder folder;
  const auto error = [&](const std::string& header, std::size_t bytes, std::size_t length = 0) {
    const std::uint64_t count = length > 0 ? length : header.size();
    write(folder / "x.safetensors",
          std::string(reinterpret_cast<const char*>(&count), 8) + header + std::string(bytes, 'x'));
    const std::string text = error_of<Error>([&] { load_safetensors(folder / "x.safetensors"); });
    const std::string front = "cannot read '" + (folder / "x.safetensors") + "': ";
    return text.starts_with(front) ? text.substr(front.size()) : text;
  };
  EXPECT_EQ(error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8), "no error");
  EXPECT_EQ(error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7), "it is cut short");
  EXPECT_EQ(error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9), "there are bytes behind its end");
  EXPECT_EQ(error("{}", 0, std::size_t{1} << 60), "it does not begin as a .safetensors file");
  EXPECT_EQ(error("{}", 0, 5000), "it is cut short");
  EXPECT_THAT(error("[]", 0), HasSubstr("object"));
  EXPECT_EQ(error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4),
            "tensor 'a': expected data_offsets of 8 bytes, as (2,) of F32 takes, got [0, 4]");
  EXPECT_EQ(error(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8),
            "tensor 'a': expected numbers from byte 0 on, behind those before it, got 4");
  EXPECT_EQ(
      error(
          R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
          8),
      "tensor 'b': expected numbers from byte 8 on, behind those before it, got 4");
  EXPECT_THAT(error(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4),
              StartsWith("tensor 'a': expected ext"));
  EXPECT_THAT(error(R"({"a":{"dtype":"F32","shape":[1152921504606846976,64],"data_offsets":[0,4]}})", 4),
              StartsWith("tensor 'a': "));
  EXPECT_THAT(error(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}})", 8),
              StartsWith("tensor 'a': expected data"));
  EXPECT_THAT(error(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 8),
              StartsWith("tensor 'a': expected an"));
  EXPECT_THAT(error(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 8),
              StartsWith("tensor 'a': expected two"));
  EXPECT_THAT(error(R"({"a":{"dtype":"F32","shape":[1]}})", 8), HasSubstr("data_offsets"));
  EXPECT_THAT(error(R"({"a":3})", 8), StartsWith("tensor 'a': "));
  EXPECT_THAT(error(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4), HasSubstr("axes"));
  for (const auto& [name, bytes] : golden("safetensors").at("refused").items()) {
    write(folder / "x.safetensors", from_hex(bytes));
    EXPECT_THAT(error_of<Error>([&] { load_safetensors(folder / "x.safetensors"); }),
                HasSubstr("tensor 'x': expected numbers of a type BF16, BOOL, F16, F32"));
  }
}

TEST(Safetensors, DamagedFilesAreErrorsOrNumbers) {
  const FileFolder folder;
  std::mt19937 engine(1);
  for (const auto& [name, json] : golden("safetensors").at("cases").items()) {
    const std::string bytes = from_hex(json.at("bytes"));
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      write(folder / "x.safetensors", bytes.substr(0, length));
      EXPECT_THAT(error_of<Error>([&] { load_safetensors(folder / "x.safetensors"); }), StartsWith("cannot read '"));
    }
    for (int round = 0; round < 500; ++round) {
      std::string damaged = bytes;
      for (unsigned changes = 1 + engine() % 3; changes > 0; --changes)
        damaged[engine() % damaged.size()] =
            static_cast<char>(engine() % 2 == 0 ? engine() : "0123456789[]{},:\"-"[engine() % 18]);
      write(folder / "x.safetensors", damaged);
      try {
        load_safetensors(folder / "x.safetensors");
      } catch (const Error&) {
      }
    }
  }
}

// ---- weights

Model encoder_model() {
  return Sequential({Input({5, 4}), Conv1D({.filters = 4, .kernel_size = 3, .padding = "same", .name = "conv"}),
                     TransformerEncoder({.intermediate_dim = 6, .num_heads = 2, .name = "encoder"}),
                     Dense({.units = 3, .name = "head"})},
                    "m");
}

TEST(Safetensors, HoldsTheWeightsOfAModel) {
  const FileFolder folder;
  const Model model = encoder_model(), other = encoder_model();
  model.save_weights(folder / "w.safetensors");
  const auto arrays = load_safetensors(folder / "w.safetensors");
  EXPECT_EQ(arrays.size(), model.get_weights().size());
  EXPECT_TRUE(arrays.contains("head/kernel"));
  EXPECT_TRUE(arrays.contains("conv/bias"));
  other.load_weights(folder / "w.safetensors");
  for (std::size_t i = 0; i < model.get_weights().size(); ++i)
    EXPECT_TRUE(same_bits(model.get_weights()[i], other.get_weights()[i]));
  const Tensor x = drawn({2, 5, 4}, 1);
  EXPECT_TRUE(same_bits(model.predict(x), other.predict(x)));
}

// As PyTorch has them: Linear's weight is (out, in), Conv1d's (out, in, kernel).
TEST(Safetensors, TakesTheNamesOfAnotherLibrary) {
  const FileFolder folder;
  const Sequential model(
      {Input({5, 2}), Conv1D({.filters = 4, .kernel_size = 3, .name = "conv"}), Dense({.units = 3, .name = "head"})},
      "m");
  const auto weights = model.get_weights();
  const auto reversed = [](const Tensor& tensor) {
    std::vector<std::size_t> extents(tensor.shape().rbegin(), tensor.shape().rend());
    Tensor result = Tensor::from_shape(extents);
    const Shape of = shape(tensor);
    for (Dim i = 0; i < of[0]; ++i)
      for (Dim j = 0; j < of[1]; ++j)
        for (Dim k = 0; k < (of.rank() > 2 ? of[2] : 1); ++k)
          if (of.rank() > 2)
            result(k, j, i) = tensor(i, j, k);
          else
            result(j, i) = tensor(i, j);
    return result;
  };
  save_safetensors(folder / "torch.safetensors", {{"0.weight", reversed(weights[0])},
                                                  {"0.bias", weights[1]},
                                                  {"1.weight", reversed(weights[2])},
                                                  {"1.bias", weights[3]},
                                                  {"1.num_batches_tracked", IntTensor{7}}});
  const auto names = [](const std::string& weight) {
    const std::string layer = weight.starts_with("conv") ? "0" : "1";
    return weight.ends_with("kernel") ? StoredName(layer + ".weight", true) : StoredName(layer + ".bias");
  };
  const auto fresh = [] {
    return Sequential(
        {Input({5, 2}), Conv1D({.filters = 4, .kernel_size = 3, .name = "conv"}), Dense({.units = 3, .name = "head"})},
        "m");
  };
  const Sequential other = fresh();
  other.load_weights(folder / "torch.safetensors", {.names = names});
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_TRUE(same_bits(weights[i], other.get_weights()[i])) << i;

  const std::string front = "cannot load weights from '" + (folder / "torch.safetensors") + "': [Sequential 'm'] ";
  const Sequential wrong = fresh();
  const auto before = wrong.get_weights();
  EXPECT_EQ(error_of<SerializationError>([&] { wrong.load_weights(folder / "torch.safetensors"); }),
            front +
                "there is no tensor 'conv/kernel' for the weight 'conv/kernel'; there are 0.bias, 0.weight, 1.bias, "
                "1.num_batches_tracked, 1.weight");
  const auto untransposed = [&](const std::string& weight) { return StoredName(names(weight).name); };
  EXPECT_EQ(
      error_of<SerializationError>([&] { wrong.load_weights(folder / "torch.safetensors", {.names = untransposed}); }),
      front + "expected '0.weight', for the weight 'conv/kernel', of shape (3, 2, 4), got (4, 2, 3)");
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(same_bits(before[i], wrong.get_weights()[i]));
  testing::internal::CaptureStderr();
  wrong.load_weights(folder / "torch.safetensors", {.skip_mismatch = true, .names = untransposed});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("skips what does not fit"));
  EXPECT_TRUE(same_bits(wrong.get_weights()[1], weights[1]));
  EXPECT_TRUE(same_bits(wrong.get_weights()[0], before[0]));

  // The names of another program, in an .xl file too.
  model.save_weights(folder / "w.xl");
  const Sequential renamed(
      {Input({5, 2}), Conv1D({.filters = 4, .kernel_size = 3, .name = "a"}), Dense({.units = 3, .name = "b"})}, "m");
  renamed.load_weights(folder / "w.xl", {.names = [](const std::string& weight) {
                         return (weight[0] == 'a' ? "conv" : "head") + weight.substr(1);
                       }});
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_TRUE(same_bits(weights[i], renamed.get_weights()[i])) << i;
}

}  // namespace
}  // namespace xl
