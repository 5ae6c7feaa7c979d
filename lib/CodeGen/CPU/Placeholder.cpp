// lib/CodeGen/CPU
