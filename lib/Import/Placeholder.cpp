// lib/Import
