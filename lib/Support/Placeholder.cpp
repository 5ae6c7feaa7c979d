// lib/Support
