// The largest error of the sinusoidal table over every position below 2^17 and every column, in both layouts and on
// every instruction set, against double-double arithmetic. Prints one line for each d_model and instruction set:
//
//   errors of values of 2^-16 or larger, in units in the last place; errors of smaller ones, in units of 2^-40
//
//   table_accuracy [FIRST_POSITION]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "../tests/exact_sinusoids.hpp"
#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/kernels/dispatch.hpp"
#include "xlayers/framework/parts/positional_encoding.hpp"

namespace {

using xl::kernels::InstructionSet;
using xl::testing_exact::ExactPair;
using xl::testing_exact::SineCosine;
using xl::testing_exact::Worst;

struct Table {
  InstructionSet set;
  bool halves;
  std::vector<float> floats;
};

std::map<InstructionSet, Worst> measure(std::int64_t d_model, std::int64_t start, std::int64_t length) {
  constexpr std::int64_t piece = 2048;
  const std::int64_t pairs = (d_model + 1) / 2;
  std::vector<ExactPair> exact;
  for (std::int64_t i = 0; i < pairs; ++i) exact.emplace_back(10000.0, d_model, i, start);
  std::vector<Table> tables;
  for (InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    if (supported(set))
      for (const bool halves : {false, true})
        tables.push_back({set, halves, std::vector<float>(static_cast<std::size_t>(piece * d_model))});

  std::vector<std::vector<Worst>> worst(static_cast<std::size_t>(pairs), std::vector<Worst>(tables.size()));
  for (std::int64_t done = 0; done < length; done += piece) {
    for (Table& table : tables) {
      xl::kernels::set_instruction_set(table.set);
      xl::positional_encoding(table.floats, {.start = start + done,
                                             .length = piece,
                                             .d_model = d_model,
                                             .layout = table.halves ? "halves" : "interleaved"});
    }
    xl::parallel_for(pairs, [&](std::int64_t pair, int) {
      const auto i = static_cast<std::size_t>(pair);
      for (std::int64_t row = 0; row < piece; ++row, ++exact[i]) {
        const SineCosine& truth = *exact[i];
        for (std::size_t t = 0; t < tables.size(); ++t) {
          const float* floats = tables[t].floats.data() + row * d_model;
          worst[i][t].add(floats[tables[t].halves ? pair : 2 * pair], truth.s);
          if (2 * pair + 1 < d_model) worst[i][t].add(floats[tables[t].halves ? pairs + pair : 2 * pair + 1], truth.c);
        }
      }
    });
  }
  std::map<InstructionSet, Worst> most;
  for (const std::vector<Worst>& of_pair : worst)
    for (std::size_t t = 0; t < tables.size(); ++t) {
      Worst& of_set = most[tables[t].set];
      of_set.ulps = std::max(of_set.ulps, of_pair[t].ulps);
      of_set.small = std::max(of_set.small, of_pair[t].small);
    }
  return most;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t start = argc > 1 ? std::atoll(argv[1]) : 0, length = std::int64_t{1} << 17;
  std::printf("positions %lld ... %lld\n", static_cast<long long>(start), static_cast<long long>(start + length - 1));
  std::printf("d_model  instruction set  error, ulp  near zero, 2^-40\n");
  for (const std::int64_t d_model : {1, 2, 3, 64, 65, 512, 1024})
    for (const auto& [set, worst] : measure(d_model, start, length))
      std::printf("%7lld  %-15s  %10.6f  %16.6f\n", static_cast<long long>(d_model), to_string(set), worst.ulps,
                  worst.small);
}
