"""What makes a graph run: the protocol of executables, the interpreter, machine code through LLVM. Also the names of
`torch.backends` that programs set or ask: none of those libraries is here, and nothing depends on their switches."""

from wengert.backends import (
    cuda as cuda,
    cudnn as cudnn,
    mkl as mkl,
    mkldnn as mkldnn,
    mps as mps,
    openmp as openmp,
)
