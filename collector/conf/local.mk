# collector/conf
