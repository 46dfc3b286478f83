// Forecasting a time series: the documentation's Sequential model on real data.
//
// ETTh1 has one row an hour, from 1 July 2016 on; its column HUFL is the load of a transformer. The
// model sees 100 hours from a midnight on and says what they will be like 24 hours later. Its
// convolution looks at three hours at a time, so it only knows what time of day it is if
// PositionalEmbedding tells it: step 0 is midnight, step 30 is six in the morning.
//
//   forecast [ETTh1.csv]

#include <xlayers/xlayers.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <iostream>

// 1. The data. All times are in hours; a month has 30 days, as is usual with this data set.

constexpr int day = 24, month = 30 * day;

struct Period {
  int begin, end;
};
constexpr Period training{0, 12 * month};
constexpr Period validation{12 * month, 16 * month};
constexpr Period testing{16 * month, 20 * month};

// The column as (hours, 1), with mean 0 and deviation 1 over the training period: what comes later
// is not known yet.
xl::Tensor read_series(const std::string& path) {
  xl::Tensor series = xl::read_csv(path).column("HUFL");
  if (series.size() < testing.end) throw xl::ValueError(path + " has less than 20 months");
  double sum = 0, squares = 0;
  for (int hour = training.begin; hour < training.end; ++hour) {
    sum += series(hour);
    squares += series(hour) * series(hour);
  }
  const double count = training.end - training.begin;
  const double mean = sum / count;
  const double deviation = std::sqrt(squares / count - mean * mean);
  for (float& value : series) value = static_cast<float>((value - mean) / deviation);
  series.reshape({series.size(), 1});
  return series;
}

// Windows of 100 hours between `begin` and `end`, a new one every day: (windows, 100, 1).
xl::Tensor windows(const xl::Tensor& series, int begin, int end) {
  return xl::timeseries_dataset_from_array(
      series, {.sequence_length = 100, .sequence_stride = day, .start_index = begin, .end_index = end});
}

// Windows that start at midnight, and the same windows `ahead` hours later.
struct Pairs {
  xl::Tensor x, y;
};
Pairs cut(const xl::Tensor& series, Period period, int ahead) {
  return {.x = windows(series, period.begin, period.end - ahead),
          .y = windows(series, period.begin + ahead, period.end)};
}

// 2. The model, and the same without PositionalEmbedding.

xl::Sequential make_model() {
  return {
      xl::Input({100, 1}),
      xl::TokenEmbedding({.c_in = 1, .d_model = 64}),            // embed raw values
      xl::PositionalEmbedding({.max_len = 100, .d_model = 64}),  // add positional info
      xl::Dense({.units = 32, .activation = "relu"}),
      xl::Dense({.units = 1}),
  };
}

xl::Sequential make_model_without_positions() {
  return {
      xl::Input({100, 1}),
      xl::TokenEmbedding({.c_in = 1, .d_model = 64}),
      xl::Dense({.units = 32, .activation = "relu"}),
      xl::Dense({.units = 1}),
  };
}

// 3. Training.

enum class Output { silent = 0, progress = 1 };

void train(const xl::Sequential& model, const xl::Tensor& series, int ahead, Output output) {
  const Pairs train = cut(series, training, ahead);
  const Pairs valid = cut(series, validation, ahead);
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.fit(train.x, train.y,
            {.batch_size = 32,
             .epochs = 60,
             .verbose = static_cast<int>(output),
             .validation_data = {.x = valid.x, .y = valid.y}});
}

// 4. How good the forecasts are.

double mean_squared_error(const xl::Tensor& forecast, const xl::Tensor& truth) {
  double sum = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) sum += std::pow(forecast.data()[i] - truth.data()[i], 2);
  return sum / static_cast<double>(truth.size());
}

void print_errors(const xl::Sequential& with, const xl::Sequential& without, const xl::Tensor& series, int ahead) {
  const Pairs test = cut(series, testing, ahead);
  const xl::Tensor day_before = windows(series, testing.begin + ahead - day, testing.end - day);
  std::cout << std::setw(2) << ahead << " hours ahead" << std::fixed << std::setprecision(3) << std::setw(14)
            << mean_squared_error(day_before, test.y) << std::setw(30)
            << mean_squared_error(without.predict(test.x), test.y) << std::setw(27)
            << mean_squared_error(with.predict(test.x), test.y) << "\n";
}

// 5. The model's config in a file, and a model made from it.

xl::Model through_a_file(const xl::Sequential& model, const std::string& path, xl::Format format) {
  std::ofstream out(path, std::ios::binary);
  xl::save_config(out, model.to_config(), format);
  out.close();

  std::ifstream in(path, std::ios::binary);
  xl::Model again = xl::model_from_config(xl::load_config(in, format));
  again.set_weights(model.get_weights());
  std::cout << "config in " << path << "\n";
  return again;
}

void print_difference(const xl::Model& a, const xl::Model& b, const xl::Tensor& x) {
  const xl::Tensor forecast = a.predict(x), other = b.predict(x);
  float largest = 0;
  for (std::size_t i = 0; i < forecast.size(); ++i)
    largest = std::max(largest, std::abs(forecast.data()[i] - other.data()[i]));
  std::cout << "  built again: " << forecast.size() << " forecasts, the largest difference is " << largest << "\n";
}

int main(int argc, char** argv) try {
  xl::set_random_seed(1);
  const xl::Tensor series = read_series(argc > 1 ? argv[1] : XLAYERS_DATA_DIR "/ETTh1.csv");

  const xl::Sequential model = make_model();
  model.summary();
  train(model, series, day, Output::progress);

  std::cout << "\nTraining three more models, without PositionalEmbedding and for 6 hours ahead\n" << std::flush;
  const xl::Sequential without = make_model_without_positions();
  const xl::Sequential model_6 = make_model(), without_6 = make_model_without_positions();
  train(without, series, day, Output::silent);
  train(model_6, series, 6, Output::silent);
  train(without_6, series, 6, Output::silent);

  std::cout << "\nMean squared error in the test months\n"
            << "              same hour, day before   without PositionalEmbedding   with "
               "PositionalEmbedding\n";
  print_errors(model, without, series, day);
  print_errors(model_6, without_6, series, 6);

  std::cout << "\n" << std::defaultfloat;
  const Pairs test = cut(series, testing, day);
  const std::string path = XLAYERS_OUTPUT_DIR "/forecaster";
  print_difference(model, through_a_file(model, path + ".json", xl::Format::json), test.x);
  print_difference(model, through_a_file(model, path + ".xml", xl::Format::xml), test.x);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "forecast: " << error.what() << "\n";
  return 1;
}
