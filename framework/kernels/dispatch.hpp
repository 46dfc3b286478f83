#pragma once

namespace xl::kernels {

/// The instruction sets that the kernels are compiled for, in rising order.
///
/// `baseline` is what every processor of the architecture has: SSE2 on x86-64, NEON on ARM. `avx2`
/// is AVX2 with FMA; `avx512` is AVX-512 F, CD, DQ, BW and VL.
enum class InstructionSet { baseline, avx2, avx512 };

/// "baseline", "avx2" or "avx512".
const char* to_string(InstructionSet set);

/// True if this processor, and this build, can run the kernels of `set`.
bool supported(InstructionSet set);

/// The instruction set whose kernels run.
///
/// Chosen at the first call: the best one supported, or the one that the environment variable
/// XLAYERS_INSTRUCTION_SET names. Throws ValueError if that is no known name, or not supported
/// here.
InstructionSet instruction_set();

/// Switches the kernels of the whole process; meant for tests and benchmarks, between computations.
/// Results of different instruction sets differ in their last bits. Throws ValueError if not
/// supported.
void set_instruction_set(InstructionSet set);

}  // namespace xl::kernels
