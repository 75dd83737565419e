"""Machine code through LLVM: nests to LLVM IR, a matrix-product library, a thread pool, the JIT and its disk cache."""
