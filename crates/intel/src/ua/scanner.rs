//! Injection text and the scanners that send it, in place of a user agent.
//!
//! Nothing a browser sends holds a shell, template or query fragment, so one is enough. The
//! fragments are chosen to be long enough that no maker's build string contains them.

use super::needle::{Edge, Needle};
use assay_model::facts::UaKind;

const fn text(text: &'static str) -> Needle {
    Needle::new(text, Edge::Any, UaKind::Scanner, "injection")
}

const fn tool(text: &'static str) -> Needle {
    Needle::new(text, Edge::Left, UaKind::Scanner, "scanner_tool")
}

/// Fragments of attacks: templates, shells, queries, markup, paths, serialised objects.
pub(super) const FRAGMENTS: &[Needle] = &[
    // Templates and look-ups.
    text("${"), text("$%7b"), text("jndi:"), text("{{"), text("<%"), text("#{"), text("%{"),
    text("ldap://"), text("ldaps://"), text("rmi://"), text("dns://"), text("gopher://"), text("file://"),
    text("t(java.lang"), text("java.lang."), text("getruntime"), text("ognl."), text("processbuilder"),
    // Shells.
    text("() {"), text("(){"), text("() :;"), text("$("), text("`"), text("/bin/sh"), text("/bin/bash"),
    text("/bin/cat"), text("cmd.exe"), text("powershell"), text("/dev/tcp"), text("nslookup "), text(";wget"),
    text("; wget "), text("wget http"), text("curl http"), text("|wget"), text("&&"), text("||"), text("| id"),
    text(";id;"), text("|id"), text("; cat "), text(";cat "), text("chmod "), text("rm -rf"), text(";echo "), text("; echo "), text("; exec"), text("busybox"),
    text("${ifs}"), text("/etc/shadow"), text("ping -c"), 
    // Queries.
    text("union select"), text("union all"), text("union+"), text("union/*"), text("union%20"), text("(select"),
    text("select("), text("select *"), text("select user"), text("select 1"), text("' select"), text("insert into"),
    text("drop table"), text("delete from"), text("sleep("), text("benchmark("),
    text("waitfor delay"), text("waitfor+delay"), text("pg_sleep"), text("xp_cmdshell"), text("exec("), text("declare @"),
    text("' or "), text("\" or "), text("'or'"), text("' or'"), text("or 1=1"), text("and 1=1"), text("and 1=2"),
    text("' and "), text("\" and "), text(" 1=1"), text("'1=1"), text("'='"), text("''="), text("' --"), text("'--"), text("'#"),
    text("') "), text("'))"), text("information_schema"), text("dbms_"), text("utl_http"), text("utl_inaddr"), text("having 1"), text("update set"), text("extractvalue"),
    text("updatexml"), text("order by"), text("group by"), text("load_file"), text("into outfile"),
    text("concat("), text("chr("), text("char("), text(" rlike "), text("sysdate("), text("xor("), text(" cast("),
    text("convert("), text("if(now"), text("'+'"), text("'||'"), text("/**/"), text("'\""), text("\"'"),
    // Markup and script.
    text("<script"), text("</script"), text("</title"), text("%3c"), text("<img"), text("<svg"), text("<iframe"), text("<body"),
    text("<a href"), text("<!--"), text("<!doctype"), text("<?"), text("javascript:"), text("onerror="),
    text("onload="), text("onmouseover="), text("alert("), text("prompt("), text("confirm("), text("document.cookie"), text("document.write"), text("document.location"),
    text("\"><"), text("'><"), text("<esi:"), text("<h1"), text("<b>"), text("<xml"),
    // PHP and serialised objects.
    text("base64_decode"), text("eval("), text("assert("), text("system('"), text("system($"), text("passthru"), text("shell_exec"),
    text("phpinfo"), text("file_get_contents"), text(";print("), text("{print"), text("print(md5"), text(";die("), text("md5("),
    text("$_get"), text("$_post"), text("$_server"), text("jdatabasedriver"), text("}__"), text("o:8:\""),
    text("o:21:\""), text("a:1:{"), text("a:2:{"), text("__import__"), text("os.system"), text("ro0ab"),
    // Paths and control text.
    text("../"), text("..\\"), text("%2e%2e"), text("..%2f"), text("..%5c"), text("/etc/passwd"), text("win.ini"),
    text("boot.ini"), text("wp-config"), text("%0d%0a"), text("%0a"), text("%00"), text("\\r\\n"), text("\\x"),
    text("\\u00"), text("\r\n"), text("set-cookie:"), text("\0"), text(".php?"),
    // Call-back hosts.
    text("burpcollaborator"), text("oastify"), text(".oast."), text("interact.sh"), text("interactsh"),
    text("dnslog"), text("ceye.io"), text("requestbin"), text("canarytokens"), text("xss.ht"), text("bxss"),
];

/// Names of vulnerability scanners.
pub(super) const TOOLS: &[Needle] = &[
    tool("nuclei"), tool("sqlmap"), tool("nikto"), tool("nessus"), tool("acunetix"), tool("netsparker"),
    tool("invicti"), tool("wpscan"), tool("nmap"), tool("masscan"), tool("zgrab"), tool("dirbuster"),
    tool("gobuster"), tool("fuzz faster"), tool("ffuf"), tool("wfuzz"), tool("feroxbuster"), tool("dirsearch"),
    tool("openvas"), tool("w3af"), tool("arachni"), tool("havij"), tool("burp"), tool("zaproxy"), tool("owasp"),
    tool("jorgee"), tool("zmeu"), tool("morfeus"), tool("muieblackcat"), tool("qualys"), tool("detectify"),
    tool("vega/").weak(), tool("skipfish"), tool("grabber").weak(), tool("whatweb"), tool("wapiti"), tool("commix"),
    tool("xsser"), tool("joomscan"), tool("cmsmap"), tool("hydra/").weak(), tool("paros").weak(), tool("webinspect"),
    tool("appscan"), tool("l9explore"), tool("l9tcpid"), tool("l9scan"), tool("xtate/"), tool("netsystemsresearch"),
    tool("censys"), tool("expanse").weak(), tool("rapid7").weak(), tool("probely"), tool("intruder").weak(), tool("pentest"),
    tool("nimbostratus"), tool("project 25499"), tool("metasploit"), tool("fimap"), tool("dirb/"), tool("dotdotpwn"),
    tool("webshag"), tool("brutus").weak(), tool("absinthe").weak(), tool("bsqlbf"), tool("pangolin").weak(),
    tool("xpymep"), tool("jaascois"), tool("fhscan"), tool("prog.customcrawler"), tool("n-stealth"), tool("toata").weak(),
    tool("leakix"), tool("hello, world").weak(), tool("hello world").weak(), tool("exploit").weak(), tool("vuln").weak(), tool("ssrf"),
    tool("katana").weak(), tool("httpx - "), tool("jaeles").weak(), tool("xray").weak(), tool("afrog"), tool("pocsuite"), tool("goby").weak().weak(),
];
