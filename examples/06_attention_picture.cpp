// What attention looks at, as a picture.
//
// The task has a known answer: step t of the output is what stood at step t - 6 of the input. A layer of attention can
// only do that if query t finds key t - 6, and the scores show whether it does: each row of the picture is a step of
// the output, each column a step of the input, and the fuller, the more of it is taken. After training the full places
// lie on a line six columns left of the diagonal. The first six rows have no answer and are not trained on; what they look
// at means nothing.
//
// Nothing tells the layer about 6. It learns it from pairs of inputs and outputs, through the positional encodings: those
// of t - 6 are the same rotation of those of t for every t, so that one matrix of queries and one of keys serve all steps.
//
//   attention_picture [EPOCHS [FOLDER]]     writes FOLDER/attention_before.pgm and attention_after.pgm

#include <xlayers/xlayers.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <string>

constexpr int steps = 24, shift = 6, width = 16;

// 1. The data: random numbers, and the same numbers 6 steps later.

struct Samples {
  xl::Tensor x, y;    // (samples, 24, 1)
  xl::Tensor counts;  // (samples, 24): the first 6 steps have no answer and do not count
};

Samples make_samples(int count, int seed) {
  Samples s{xl::empty({count, steps, 1}), xl::zeros({count, steps, 1}), xl::zeros({count, steps})};
  xl::Random(seed).fill_normal({s.x.data(), s.x.size()});
  for (int sample = 0; sample < count; ++sample) {
    for (int step = shift; step < steps; ++step) {
      s.y(sample, step, 0) = s.x(sample, step - shift, 0);
      s.counts(sample, step) = 1;
    }
  }
  return s;
}

// 2. The model, and a second one that ends at the scores. They are the same layers with the same weights: training the
// first also trains the second.

struct Models {
  xl::Model copier, scores;
};

Models make_models() {
  const auto values = xl::Input({steps, 1});
  auto x = xl::Dense({.units = width})(values);
  x = x + xl::PositionalEmbedding({.max_len = steps, .d_model = width})(x);
  const xl::MultiHeadAttention attention({.num_heads = 1, .key_dim = width});
  const auto [y, scores] = attention.with_scores(x, x);  // (None, 24, 16) and (None, 1, 24, 24)
  return {.copier = xl::Model(values, xl::Dense({.units = 1})(y)), .scores = xl::Model(values, scores)};
}

// 3. The picture.

// The mean of the scores over samples and heads: (24, 24), each row with the sum 1.
xl::Tensor mean_scores(const xl::Model& model, const xl::Tensor& x) {
  const xl::Tensor scores = model.predict(x);  // (samples, heads, 24, 24)
  const auto pictures = static_cast<int>(scores.shape()[0] * scores.shape()[1]);
  xl::Tensor mean = xl::zeros({steps, steps});
  for (int picture = 0; picture < pictures; ++picture)
    for (int i = 0; i < steps * steps; ++i) mean.data()[i] += scores.data()[picture * steps * steps + i] / pictures;
  return mean;
}

int largest_column(const xl::Tensor& scores, int row) {
  const float* begin = &scores(row, 0);
  return static_cast<int>(std::max_element(begin, begin + steps) - begin);
}

// Five shades for the square roots of scores from 0 to 1, so that small scores show too.
void print(const xl::Tensor& scores) {
  const std::string shades[] = {"  ", "░░", "▒▒", "▓▓", "██"};
  int found = 0;
  for (int row = 0; row < steps; ++row) {
    std::cout << "  |";
    for (int column = 0; column < steps; ++column) std::cout << shades[std::lround(4 * std::sqrt(scores(row, column)))];
    std::cout << "|\n";
    if (row >= shift) found += largest_column(scores, row) == row - shift;
  }
  std::cout << "  " << found << " of " << steps - shift << " steps look most at the step " << shift << " before\n";
}

// A portable grey map, which any viewer of pictures shows: 0 is black, 255 white.
void write_picture(const xl::Tensor& scores, const std::string& path) {
  constexpr int zoom = 16;
  std::ofstream file(path, std::ios::binary);
  file << "P5 " << steps * zoom << ' ' << steps * zoom << " 255\n";
  for (int y = 0; y < steps * zoom; ++y)
    for (int x = 0; x < steps * zoom; ++x)
      file.put(static_cast<char>(255 - std::lround(255 * scores(y / zoom, x / zoom))));
  if (!file.flush()) throw xl::ValueError("cannot write " + path);
  std::cout << "  " << path << "\n\n";
}

int main(int argc, char** argv) try {
  xl::set_random_seed(1);
  const int epochs = argc > 1 ? std::stoi(argv[1]) : 30;
  const std::string folder = argc > 2 ? argv[2] : XLAYERS_OUTPUT_DIR;
  const Samples training = make_samples(2000, 2), testing = make_samples(200, 3);
  const Models models = make_models();

  std::cout << "Before training: each row is a step of the output, each column a step of the input\n";
  const xl::Tensor before = mean_scores(models.scores, testing.x);
  print(before);
  write_picture(before, folder + "/attention_before.pgm");

  models.copier.compile({.optimizer = xl::Adam({.learning_rate = 3e-3}), .loss = "mse"});
  models.copier.fit(training.x, training.y, {.epochs = epochs, .verbose = 0, .sample_weight = training.counts});
  const double error = models.copier.evaluate(testing.x, testing.y, {.sample_weight = testing.counts}).loss();

  std::cout << "After " << epochs << " epochs, with a mean squared error of " << error
            << " in samples not trained on\n";
  const xl::Tensor after = mean_scores(models.scores, testing.x);
  print(after);
  write_picture(after, folder + "/attention_after.pgm");
  return 0;
} catch (const std::exception& error) {
  std::cerr << "attention_picture: " << error.what() << "\n";
  return 1;
}
