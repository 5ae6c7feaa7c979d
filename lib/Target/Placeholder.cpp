// lib/Target
