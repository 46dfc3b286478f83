#!/usr/bin/env bash
# What README.md says of a misspelled option: it does not compile, and with the type of the options the error names it.
#
#   bash tests/misspelled_option.sh PREFIX COMPILER
set -euo pipefail

errors_of() {
  echo "#include <xlayers/layers/dense.hpp>
        xl::Dense dense($1);" | LC_ALL=C "$compiler" -std=c++20 -I"$include" -fsyntax-only -x c++ - 2>&1
}

include=$1/include
compiler=$2
errors_of '{.units = 8}' || { echo "misspelled_option: the right one does not compile"; exit 1; }
if errors_of '{.unit = 8}'; then echo "misspelled_option: the wrong one compiles"; exit 1; fi
errors=$(errors_of 'xl::DenseOptions{.unit = 8}') && { echo "misspelled_option: the wrong one compiles"; exit 1; }
grep "'unit'" <<<"$errors" || { echo "misspelled_option: the error does not name the option: $errors"; exit 1; }
