// lib/Conversion
