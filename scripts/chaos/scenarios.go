package main

// scenarios are all of them, in the order in which they are played. Each has a file of its own.
func scenarios() []Scenario {
	return []Scenario{
		productKilled(), mariadbKilled(), redisLost(), mariadbStopped(), commitsCut(), slowDisk(), processes(), keysReplayed(), hotWriters(),
		yearsEnd(), clockJumps(), tablesLocked(), diskFull(), redisCluster(), jobsKilled(), wechatLies(), drill(),
	}
}
