// A training step and predictions of two models of the documentation, in xlayers and in libtorch, in
// turns in one process. What counts is the ratio: the absolute times move with
// whatever else the machine does.
//
//   train_step [THREADS [ROUNDS]]       2 and 15 if they are not given
//
// Exits with 1 if the two do not compute the same.

#include <torch/torch.h>

#include <xlayers/xlayers.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace {

constexpr int batch = 32;

torch::Tensor positions(int steps, int width) {
  std::vector<float> table(steps * width);
  xl::positional_encoding(table, {.length = steps, .d_model = width});
  return torch::from_blob(table.data(), {1, steps, width}, torch::kFloat).clone();
}

// The other's kernels are (filters, channels, taps) and (outputs, inputs).
xl::Tensor copy(const torch::Tensor& from) {
  const torch::Tensor tensor = from.detach().contiguous();
  xl::Shape shape(tensor.sizes().begin(), tensor.sizes().end());
  xl::Tensor to = xl::empty(shape);
  std::copy_n(tensor.data_ptr<float>(), to.size(), to.data());
  return to;
}

// ---- the documentation's Sequential

struct SequentialPage {
  static constexpr const char* name = "the documentation's Sequential";
  static constexpr int steps = 100, channels = 1, calls = 200;

  static xl::Model make() {
    return xl::Sequential{
        xl::Input({steps, 1}),
        xl::TokenEmbedding({.c_in = 1, .d_model = 64}),
        xl::PositionalEmbedding({.max_len = steps, .d_model = 64}),
        xl::Dense({.units = 32, .activation = "relu"}),
        xl::Dense({.units = 1}),
    };
  }

  struct Torch : torch::nn::Module {
    Torch() {
      embedding =
          register_module("embedding", torch::nn::Conv1d(torch::nn::Conv1dOptions(1, 64, 3).padding(1).bias(false)));
      dense = register_module("dense", torch::nn::Linear(64, 32));
      output = register_module("output", torch::nn::Linear(32, 1));
      encoding = register_buffer("encoding", positions(steps, 64));
    }
    torch::Tensor forward(torch::Tensor x) {  // (batch, steps, 1)
      x = embedding(x.transpose(1, 2)).transpose(1, 2) + encoding;
      return output(torch::relu(dense(x)));
    }
    std::vector<xl::Tensor> weights() const {
      return {copy(embedding->weight.permute({2, 1, 0})), copy(dense->weight.t()), copy(dense->bias),
              copy(output->weight.t()), copy(output->bias)};
    }

    torch::nn::Conv1d embedding{nullptr};
    torch::nn::Linear dense{nullptr}, output{nullptr};
    torch::Tensor encoding;
  };
};

// ---- the forecaster of TokenEmbedding's page, with attention

struct Forecaster {
  static constexpr const char* name = "the forecaster with attention";
  static constexpr int steps = 96, channels = 7, calls = 20;
  static constexpr int heads = 8, key_dim = 8, width = heads * key_dim;

  static xl::Model make() {
    const auto inputs = xl::Input({steps, channels});
    auto x = xl::TokenEmbedding({.c_in = channels, .d_model = width})(inputs);
    x = x + xl::PositionalEmbedding({.max_len = steps, .d_model = width})(x);
    x = xl::MultiHeadAttention({.num_heads = heads, .key_dim = key_dim})(x, x);
    x = xl::Dense({.units = 128, .activation = "relu"})(x);
    x = xl::Dense({.units = 32, .activation = "relu"})(x);
    return xl::Model(inputs, xl::Dense({.units = channels})(x));
  }

  struct Torch : torch::nn::Module {
    Torch() {
      embedding = register_module(
          "embedding", torch::nn::Conv1d(torch::nn::Conv1dOptions(channels, width, 3).padding(1).bias(false)));
      encoding = register_buffer("encoding", positions(steps, width));
      const char* names[] = {"query", "key", "value", "attended"};
      for (int i = 0; i < 4; ++i) attention[i] = register_module(names[i], torch::nn::Linear(width, width));
      const int units[] = {width, 128, 32, channels};
      for (int i = 0; i < 3; ++i)
        dense[i] = register_module("dense" + std::to_string(i), torch::nn::Linear(units[i], units[i + 1]));
    }
    torch::Tensor forward(torch::Tensor x) {  // (batch, steps, channels)
      x = embedding(x.transpose(1, 2)).transpose(1, 2) + encoding;
      const auto of_heads = [](const torch::Tensor& t) {
        return t.reshape({t.size(0), t.size(1), heads, key_dim}).transpose(1, 2);
      };
      x = at::scaled_dot_product_attention(of_heads(attention[0](x)), of_heads(attention[1](x)),
                                           of_heads(attention[2](x)));
      x = attention[3](x.transpose(1, 2).reshape({x.size(0), steps, width}));
      return dense[2](torch::relu(dense[1](torch::relu(dense[0](x)))));
    }
    std::vector<xl::Tensor> weights() const {
      std::vector<xl::Tensor> all{copy(embedding->weight.permute({2, 1, 0}))};
      for (int i = 0; i < 3; ++i) {
        all.push_back(copy(attention[i]->weight.t().reshape({width, heads, key_dim})));
        all.push_back(copy(attention[i]->bias.reshape({heads, key_dim})));
      }
      all.push_back(copy(attention[3]->weight.t().reshape({heads, key_dim, width})));
      all.push_back(copy(attention[3]->bias));
      for (const torch::nn::Linear& layer : dense) {
        all.push_back(copy(layer->weight.t()));
        all.push_back(copy(layer->bias));
      }
      return all;
    }

    torch::nn::Conv1d embedding{nullptr};
    torch::nn::Linear attention[4] = {nullptr, nullptr, nullptr, nullptr}, dense[3] = {nullptr, nullptr, nullptr};
    torch::Tensor encoding;
  };
};

// ---- side by side

// Microseconds of one call: the median of `count`.
double median_time(int count, const std::function<void()>& call) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    const auto start = std::chrono::steady_clock::now();
    call();
    const auto end = std::chrono::steady_clock::now();
    times.push_back(std::chrono::duration<double, std::micro>(end - start).count());
  }
  std::nth_element(times.begin(), times.begin() + count / 2, times.end());
  return times[static_cast<std::size_t>(count / 2)];
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Rounds in which one library does `count` calls, and then the other.
void compare(const char* what, int rounds, int count, const std::function<void()>& ours,
             const std::function<void()>& theirs) {
  std::vector<double> our_times, their_times, ratios;
  for (int round = -1; round < rounds; ++round) {  // round -1 warms up
    const double their_time = median_time(count, theirs), our_time = median_time(count, ours);
    if (round < 0) continue;
    our_times.push_back(our_time);
    their_times.push_back(their_time);
    ratios.push_back(our_time / their_time);
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("%-30s %9.0f us %9.0f us     %5.2f   (%.2f to %.2f)\n", what, median(our_times), median(their_times),
              median(ratios), ratios.front(), ratios.back());
}

// Gives false if the two do not compute the same.
template <class Case>
bool side_by_side(int rounds) {
  const auto shape = {batch, Case::steps, Case::channels};
  const std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  const torch::Tensor torch_x = torch::randn(sizes), torch_y = torch::randn(sizes);
  const torch::Tensor torch_one = torch_x.slice(0, 0, 1).contiguous();
  const xl::Tensor x = copy(torch_x), y = copy(torch_y), one = copy(torch_one);
  typename Case::Torch torch_model;
  torch::optim::Adam adam(torch_model.parameters(), torch::optim::AdamOptions(1e-3).eps(1e-7));
  const xl::Model model = Case::make();
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.set_weights(torch_model.weights());

  double our_loss = 0, their_loss = 0;
  const auto our_step = [&] { our_loss = model.train_on_batch(x, y).loss(); };
  const auto their_step = [&] {
    adam.zero_grad();
    const torch::Tensor loss = torch::mse_loss(torch_model.forward(torch_x), torch_y);
    loss.backward();
    adam.step();
    their_loss = loss.template item<float>();
  };
  // The same weights, the same batch: the same losses, until rounding drives them apart.
  for (int step = 0; step < 20; ++step) {
    our_step();
    their_step();
    if (std::abs(our_loss - their_loss) > 1e-3 * their_loss) {
      std::fprintf(stderr, "step %d: the loss is %g here and %g there\n", step, our_loss, their_loss);
      return false;
    }
  }

  std::printf("%-30s %12s %12s     ratio\n", Case::name, "xlayers", "libtorch");
  compare("  training step, batch 32", rounds, Case::calls, our_step, their_step);
  xl::Tensor forecast, forecast_one;
  const torch::NoGradGuard no_gradients;
  torch_model.eval();
  compare(
      "  predict 32", rounds, Case::calls, [&] { model.predict(x, forecast); }, [&] { torch_model.forward(torch_x); });
  compare(
      "  predict 1", rounds, 5 * Case::calls, [&] { model.predict(one, forecast_one); },
      [&] { torch_model.forward(torch_one); });
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 15;
  if (threads < 1 || rounds < 1) {
    std::fprintf(stderr, "usage: train_step [THREADS [ROUNDS]]\n");
    return 2;
  }
  xl::set_num_threads(threads);
  torch::set_num_threads(threads);
  torch::manual_seed(1);
  std::printf("%d threads, medians of %d rounds\n", threads, rounds);
  return side_by_side<SequentialPage>(rounds) && side_by_side<Forecaster>(rounds) ? 0 : 1;
}
