// Two pictures of the table of positional encodings, drawn with gnuplot:
//
//   positional_embedding_table.png   128 positions of 64 columns
//   positional_embedding_error.png   how far a table of 512 columns is from the formula, up to position 2^24, beside
//                                    the same formula in float32
//
//   positional_table [FOLDER]        bash examples/install.sh gnuplot-nox, if it is not there

#include <xlayers/xlayers.hpp>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <vector>

// Gives a script, with its data inside, to gnuplot.
void draw(const std::string& script) {
  std::FILE* gnuplot = popen("gnuplot", "w");
  if (gnuplot != nullptr) std::fputs(script.c_str(), gnuplot);
  if (gnuplot == nullptr || pclose(gnuplot) != 0)
    throw xl::ValueError("gnuplot did not draw; is it installed? bash examples/install.sh gnuplot-nox");
}

std::string png(const std::string& path) {
  return "set terminal pngcairo size 900,420 font 'sans,11'\nset output '" + path + "'\n";
}

void draw_table(const std::string& path) {
  constexpr int positions = 128, columns = 64;
  const xl::PositionalEmbedding layer({.max_len = positions, .d_model = columns});
  const auto table = layer.encoding(positions);

  std::ostringstream script;
  script << png(path)
         << "set xlabel 'position'\nset ylabel 'column'\nset yrange [63.5:-0.5]\nset xrange [-0.5:127.5]\n"
            "set tics out nomirror\nset xtics 16\nset ytics 8\nset cbrange [-1:1]\nset cbtics 0.5\n"
            "set palette defined (-1 '#2166ac', 0 '#f7f7f7', 1 '#b2182b')\n"
            "plot '-' matrix with image notitle\n";
  for (int column = 0; column < columns; ++column) {
    for (int position = 0; position < positions; ++position) script << table[position * columns + column] << ' ';
    script << '\n';
  }
  draw(script.str() + "e\n");
}

constexpr int d_model = 512;

// The largest errors of the sinusoids of some positions.
struct Errors {
  double ours = 0, float32 = 0;
};

Errors errors(std::int64_t start, std::int64_t length) {
  std::vector<float> table(static_cast<std::size_t>(length * d_model));
  xl::positional_encoding(table, {.start = start, .length = length, .d_model = d_model});
  Errors worst;
  for (std::int64_t row = 0; row < length; ++row) {
    for (int column = 0; column < d_model; column += 2) {
      const auto position = static_cast<long double>(start + row);
      const long double angle = position * std::pow(10000.0L, -static_cast<long double>(column) / d_model);
      const long double truth[] = {std::sin(angle), std::cos(angle)};
      // As it is usually written: every step in float32.
      const float rate = std::exp(static_cast<float>(column) * (-std::log(10000.0f) / d_model));
      const float rounded = static_cast<float>(position) * rate;
      const float formula[] = {std::sin(rounded), std::cos(rounded)};
      for (int i = 0; i < 2; ++i) {
        const float ours = table[static_cast<std::size_t>(row * d_model + column + i)];
        worst.ours = std::max(worst.ours, static_cast<double>(std::abs(ours - truth[i])));
        worst.float32 = std::max(worst.float32, static_cast<double>(std::abs(formula[i] - truth[i])));
      }
    }
  }
  return worst;
}

void draw_errors(const std::string& path) {
  constexpr std::int64_t window = 8, end = std::int64_t{1} << 24;
  std::ostringstream ours, float32;
  for (double at = 1; at < end - window; at *= 1.15) {
    const auto position = static_cast<std::int64_t>(at);
    const Errors worst = errors(position, window);
    ours << position << ' ' << worst.ours << '\n';
    float32 << position << ' ' << worst.float32 << '\n';
  }
  const Errors last = errors(end - window, window);
  ours << end << ' ' << last.ours << "\ne\n";
  float32 << end << ' ' << last.float32 << "\ne\n";
  draw(png(path) +
       "set logscale xy\nset format x '10^{%T}'\nset format y '10^{%T}'\nset xrange [1:2e7]\nset yrange [1e-9:10]\n"
       "set xlabel 'position'\nset ylabel 'largest error of 512 columns'\nset grid lt 1 lc rgb '#dddddd'\n"
       "set key top left\nset tics nomirror\nset border 3\n"
       "plot '-' with lines lw 2 lc rgb '#b2182b' title 'the formula in float32', "
       "'-' with lines lw 2 lc rgb '#2166ac' title 'xlayers'\n" +
       float32.str() + ours.str());
}

int main(int argc, char** argv) try {
  std::signal(SIGPIPE, SIG_IGN);  // a gnuplot that is not there is an error, not the end
  const std::string folder = argc > 1 ? argv[1] : ".";
  if (!std::filesystem::is_directory(folder)) throw xl::ValueError(folder + " is not a folder");
  const std::string table = folder + "/positional_embedding_table.png";
  const std::string error = folder + "/positional_embedding_error.png";
  draw_table(table);
  draw_errors(error);
  std::cout << table << "\n" << error << "\n";
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
