// Gives the precompiled header of the build a target to belong to.
