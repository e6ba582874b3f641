"""AgentLab: a typed agent loop whose every run is a trace one can show, replay and fork."""
