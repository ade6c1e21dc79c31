# collector/decode
